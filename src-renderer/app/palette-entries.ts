/** What the palette offers, and what of it fits what was typed. Pure, but for the doing itself. */
import {
  Boxes,
  Database,
  Download,
  Eraser,
  HardDrive,
  Images,
  KeyRound,
  Languages,
  type LucideIcon,
  Monitor,
  Play,
  Plus,
  RotateCw,
  ScrollText,
  Sparkles,
  Square,
  SunMoon,
  Trash2,
} from 'lucide-react';
import type { ContainerSummary } from '../../src-main/contract/container.ts';
import type { ImageSummary } from '../../src-main/contract/image.ts';
import { type Language, languages, type Text } from '../text/text.ts';
import { setLanguage, setTheme, themes } from './preferences.ts';
import { themeTexts } from './preferences-menu.tsx';

type GroupId = 'goTo' | 'act' | 'images' | 'settings';

export interface PaletteEntry {
  readonly id: string;
  readonly group: GroupId;
  readonly label: string;
  readonly note?: string;
  readonly icon: LucideIcon;
  /** Found by these too: the English words in a Japanese window. */
  readonly keywords: string;
  /** Found by its beginning: somewhere in so many digits nearly every number occurs. */
  readonly objectId?: string;
  /** Shown before anything was typed. */
  readonly always: boolean;
  readonly run: () => void;
}

interface PaletteContext {
  readonly t: Text;
  readonly containers: readonly ContainerSummary[];
  readonly images: readonly ImageSummary[];
  readonly navigate: (path: string) => void;
  readonly perform: (verb: 'start' | 'stop' | 'restart', targets: readonly ContainerSummary[]) => Promise<void>;
}

export function paletteEntries(context: PaletteContext): readonly PaletteEntry[] {
  return [
    ...pages(context),
    ...context.containers.flatMap((container) => ofContainer(context, container)),
    ...ofImages(context),
    ...settings(context),
  ];
}

function pages({ t, navigate }: PaletteContext): readonly PaletteEntry[] {
  const page = (path: string, label: string, icon: LucideIcon, keywords: string): PaletteEntry => ({
    id: `page ${path}`,
    group: 'goTo',
    label,
    icon,
    keywords,
    always: true,
    run: () => {
      navigate(path);
    },
  });
  return [
    page('/run', t('palette.runAny'), Plus, 'run new container create'),
    page('/images?pull', t('palette.pullAny'), Download, 'pull image download'),
    page('/containers', t('app.containers'), Boxes, 'containers list go'),
    page('/images', t('app.images'), Images, 'images list go'),
    page('/volumes', t('app.volumes'), Database, 'volumes list go'),
    page('/registries', t('app.registries'), KeyRound, 'registries login log in sign in account go'),
    page('/disk', t('app.disk'), HardDrive, 'disk usage df space go'),
    page('/disk?view=prune', t('disk.prune'), Eraser, 'free space prune clean up'),
    page('/disk?view=trash', t('disk.trash'), Trash2, 'trash restore bring back undo'),
    page('/system', t('app.system'), Monitor, 'system check host info go'),
    page('/first-run', t('app.firstRun'), Sparkles, 'first run welcome starter'),
  ];
}

function ofContainer({ t, navigate, perform }: PaletteContext, container: ContainerSummary): readonly PaletteEntry[] {
  const { id, name } = container;
  const entry = (verb: string, label: string, icon: LucideIcon, run: () => void): PaletteEntry => ({
    id: `${verb} ${id}`,
    group: 'act',
    label,
    icon,
    keywords: `${verb} ${name} ${container.imageName}`,
    objectId: id,
    always: false,
    run,
  });
  const act = (verb: 'start' | 'stop' | 'restart', icon: LucideIcon) =>
    entry(verb, t(`palette.${verb}`, { name }), icon, () => void perform(verb, [container]));
  return [
    entry('open', t('palette.open', { name }), Boxes, () => {
      navigate(`/containers/${id}`);
    }),
    ...(container.state === 'running' ? [act('stop', Square), act('restart', RotateCw)] : [act('start', Play)]),
    entry('log', t('palette.log', { name }), ScrollText, () => {
      navigate(`/containers/${id}/log`);
    }),
  ];
}

function ofImages({ t, images, navigate }: PaletteContext): readonly PaletteEntry[] {
  return images.flatMap((image) =>
    image.names.map(
      (name): PaletteEntry => ({
        id: `run ${name}`,
        group: 'images',
        label: t('palette.run', { name }),
        icon: Play,
        keywords: `run image ${name}`,
        objectId: image.id.replace(/^sha256:/, ''),
        always: false,
        run: () => {
          navigate(`/run?image=${encodeURIComponent(name)}`);
        },
      }),
    ),
  );
}

function settings({ t }: PaletteContext): readonly PaletteEntry[] {
  return [
    ...themes.map(
      (theme): PaletteEntry => ({
        id: `theme ${theme}`,
        group: 'settings',
        label: t('palette.themeTo', { name: t(themeTexts[theme]) }),
        icon: SunMoon,
        keywords: `theme ${theme} appearance`,
        always: true,
        run: () => {
          setTheme(theme);
        },
      }),
    ),
    ...Object.entries(languages).map(
      ([language, name]): PaletteEntry => ({
        id: `language ${language}`,
        group: 'settings',
        label: t('palette.languageTo', { name }),
        icon: Languages,
        keywords: `language ${language} ${name}`,
        always: true,
        run: () => {
          setLanguage(language as Language);
        },
      }),
    ),
  ];
}

/** More would not be read. */
const shownPerGroup = 20;

export interface PaletteGroup {
  readonly id: GroupId;
  readonly title: string;
  readonly entries: readonly PaletteEntry[];
}

/** What was typed, taken for the name of an image to pull: `pull alpine`, or a word that can be nothing else. */
export function pullEntry(typed: string, { t, navigate }: Pick<PaletteContext, 't' | 'navigate'>): PaletteEntry | undefined {
  const match = /^(?:pull\s+)(\S+)$|^(\S+[/:]\S+)$/i.exec(typed.trim());
  const name = match?.[1] ?? match?.[2];
  if (name === undefined) return undefined;
  return {
    id: 'pull',
    group: 'images',
    label: t('palette.pull', { name }),
    icon: Download,
    keywords: `pull ${name}`,
    always: false,
    run: () => {
      navigate(`/images?pull=${encodeURIComponent(name)}`);
    },
  };
}

/** Every typed word has to occur; what begins with the first comes first. */
export function search(entries: readonly PaletteEntry[], typed: string, t: Text): readonly PaletteGroup[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = entries.filter((entry) => {
    if (words.length === 0) return entry.always;
    const text = `${entry.label} ${entry.keywords}`.toLowerCase();
    return words.every((word) => text.includes(word) || entry.objectId?.startsWith(word) === true);
  });
  const [first = ''] = words;
  const order = (entry: PaletteEntry) =>
    first !== '' && (entry.label.toLowerCase().startsWith(first) || entry.keywords.startsWith(first)) ? 0 : 1;
  const groups: readonly (readonly [GroupId, string])[] = [
    ['goTo', t('palette.goTo')],
    ['act', t('palette.act')],
    ['images', t('palette.images')],
    ['settings', t('palette.settings')],
  ];
  return groups
    .map(([id, title]) => ({
      id,
      title,
      entries: fitting
        .filter((entry) => entry.group === id)
        .sort((a, b) => order(a) - order(b))
        .slice(0, shownPerGroup),
    }))
    .filter((group) => group.entries.length > 0);
}
