import {
  Ban,
  Circle,
  CircleCheck,
  CircleDashed,
  CirclePlay,
  CircleStop,
  CircleX,
  LoaderCircle,
  type LucideIcon,
  OctagonX,
  PauseCircle,
  TriangleAlert,
} from 'lucide-react';
import { useText } from '../text/text.ts';

export type ShownState =
  | 'created'
  | 'initialized'
  | 'running'
  | 'stopping'
  | 'paused'
  | 'exited'
  | 'removing'
  | 'starting'
  | 'restarting'
  | 'killing';

const shapes: Record<ShownState, { readonly icon: LucideIcon; readonly tone: string }> = {
  created: { icon: Circle, tone: 'quiet' },
  initialized: { icon: CircleDashed, tone: 'quiet' },
  running: { icon: CirclePlay, tone: 'good' },
  stopping: { icon: LoaderCircle, tone: 'busy' },
  paused: { icon: PauseCircle, tone: 'warn' },
  exited: { icon: CircleStop, tone: 'quiet' },
  removing: { icon: LoaderCircle, tone: 'busy' },
  starting: { icon: LoaderCircle, tone: 'busy' },
  restarting: { icon: LoaderCircle, tone: 'busy' },
  killing: { icon: LoaderCircle, tone: 'busy' },
};

/** The state of a container by shape and word; an end with an error has a shape of its own. */
export function StateLabel({ state, exitCode }: { readonly state: ShownState; readonly exitCode?: number | undefined }) {
  const { t } = useText();
  const failed = state === 'exited' && exitCode !== undefined && exitCode !== 0;
  const { icon: Icon, tone } = failed ? { icon: CircleX, tone: 'bad' } : shapes[state];
  return (
    <span className={`state tone-${tone}`}>
      <Icon size={15} aria-hidden className={tone === 'busy' ? 'spin' : undefined} />
      <span>{failed ? t('state.exitedCode', { code: exitCode }) : t(`state.${state}`)}</span>
    </span>
  );
}

const checkShapes = {
  ok: { icon: CircleCheck, tone: 'good' },
  degraded: { icon: TriangleAlert, tone: 'warn' },
  missing: { icon: OctagonX, tone: 'bad' },
} as const;

export function CheckLabel({ status }: { readonly status: 'ok' | 'degraded' | 'missing' }) {
  const { t } = useText();
  const { icon: Icon, tone } = checkShapes[status];
  return (
    <span className={`state tone-${tone}`}>
      <Icon size={15} aria-hidden />
      <span>{t(`system.${status}`)}</span>
    </span>
  );
}

const stepShapes = {
  waiting: { icon: Circle, tone: 'quiet' },
  running: { icon: LoaderCircle, tone: 'busy' },
  done: { icon: CircleCheck, tone: 'good' },
  failed: { icon: CircleX, tone: 'bad' },
  cancelled: { icon: Ban, tone: 'quiet' },
} as const;

export type StepStatus = keyof typeof stepShapes;

export function StepIcon({ status }: { readonly status: StepStatus }) {
  const { icon: Icon, tone } = stepShapes[status];
  return <Icon size={15} aria-hidden className={`tone-${tone}${tone === 'busy' ? ' spin' : ''}`} />;
}
