import { FileDown, Layers, type LucideIcon, Play, RotateCw, ScrollText, Square, SquareTerminal, Trash2, Zap } from 'lucide-react';
import type { ContainerSummary } from '../../../src-main/contract/container.ts';
import { type Text, useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import type { MenuItem } from '../../ui/menu.tsx';
import type { ContainerDialogKind } from './dialogs.tsx';
import { perform } from './queries.ts';
import { canDo, type Verb } from './verbs.ts';

export interface RowActions {
  readonly onRemove: (containers: readonly ContainerSummary[]) => void;
  readonly onOpen: (dialog: ContainerDialogKind, container: ContainerSummary) => void;
}

interface MenuContext extends RowActions {
  readonly navigate: (path: string) => unknown;
}

const verbIcons = { start: Play, stop: Square, restart: RotateCw, kill: Zap, remove: Trash2 } as const;

/** What is done with a container now and then: it becomes an image, or a file. */
export function occasionalItems(t: Text, onOpen: (dialog: ContainerDialogKind) => void): readonly MenuItem[] {
  const item = (id: ContainerDialogKind, icon: LucideIcon): MenuItem => ({
    id,
    label: t(`${id}.dots`),
    icon,
    onSelect: () => {
      onOpen(id);
    },
  });
  return [item('commit', Layers), item('export', FileDown)];
}

export function menuItems(t: Text, container: ContainerSummary, context: MenuContext): readonly MenuItem[] {
  const verb = (name: Exclude<Verb, 'remove'>): MenuItem => ({
    id: name,
    label: t(`containers.${name}`),
    icon: verbIcons[name],
    disabled: !canDo(name, container.state),
    onSelect: () => void perform(name, [container]),
  });
  return [
    verb('start'),
    verb('stop'),
    verb('restart'),
    verb('kill'),
    {
      id: 'log',
      label: t('containers.openLog'),
      icon: ScrollText,
      separated: true,
      onSelect: () => void context.navigate(`/containers/${container.id}/log`),
    },
    {
      id: 'terminal',
      label: t('containers.openTerminal'),
      icon: SquareTerminal,
      disabled: container.state !== 'running',
      onSelect: () => void context.navigate(`/containers/${container.id}/terminal`),
    },
    ...occasionalItems(t, (dialog) => {
      context.onOpen(dialog, container);
    }).map((item, index) => ({ ...item, separated: index === 0 })),
    {
      id: 'remove',
      label: t('containers.remove'),
      icon: Trash2,
      danger: true,
      separated: true,
      disabled: !canDo('remove', container.state),
      onSelect: () => {
        context.onRemove([container]);
      },
    },
  ];
}

/** Buttons for what can be done with all that is selected. */
export function BulkActions({ containers, onRemove }: { readonly containers: readonly ContainerSummary[]; readonly onRemove: () => void }) {
  const { t } = useText();
  const verbs: readonly Exclude<Verb, 'remove'>[] = ['start', 'stop', 'restart', 'kill'];
  return (
    <>
      {verbs.map((verb) => {
        const able = containers.filter((container) => canDo(verb, container.state));
        return (
          <Button key={verb} icon={verbIcons[verb]} disabled={able.length === 0} onClick={() => void perform(verb, able)}>
            {t(`containers.${verb}`)}
          </Button>
        );
      })}
      <Button icon={Trash2} variant="danger" onClick={onRemove}>
        {t('containers.remove')}
      </Button>
    </>
  );
}
