/** Why a container is not running, in words: from its state, exit code, the kernel's out-of-memory mark and errors. Pure. */
import type { ContainerDetail } from '../../../src-main/contract/container.ts';

/** Names of a text under `detail.why`; `fix` says what to do, where something can be done. */
export interface Why {
  readonly tone: 'good' | 'quiet' | 'warn' | 'bad';
  readonly title?: 'doneTitle' | 'oomTitle' | 'signalTitle' | 'failureTitle' | 'startFailedTitle';
  readonly text: WhyText;
  readonly values?: { readonly limitBytes?: number; readonly signal?: string; readonly code?: number };
  readonly fix?: 'oomFix' | 'notFoundFix' | 'notExecutableFix' | 'failureFix';
}

type WhyText =
  | 'neverStarted'
  | 'startFailed'
  | 'running'
  | 'paused'
  | 'stopping'
  | 'done'
  | 'oom'
  | 'oomNoLimit'
  | 'signal'
  | 'kill'
  | 'term'
  | 'segv'
  | 'abort'
  | 'notFound'
  | 'notExecutable'
  | 'failure';

/** signal(7), x86 and ARM. */
const signalNames: Record<number, string> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  31: 'SIGSYS',
};

const signalTexts: Record<number, WhyText> = { 6: 'abort', 9: 'kill', 11: 'segv', 15: 'term' };

export type Explained = Pick<ContainerDetail, 'state' | 'exitCode' | 'error'> & {
  readonly process: { readonly oomKilled: boolean };
  readonly host: { readonly resources: ContainerDetail['host']['resources'] };
};

export function explain(container: Explained): Why {
  switch (container.state) {
    case 'running':
      return { tone: 'good', text: 'running' };
    case 'paused':
      return { tone: 'warn', text: 'paused' };
    case 'stopping':
    case 'removing':
      return { tone: 'quiet', text: 'stopping' };
    case 'created':
    case 'initialized':
      return container.error === '' ? { tone: 'quiet', text: 'neverStarted' } : startFailed(container.exitCode);
    case 'exited':
      return explainExit(container);
  }
}

function startFailed(code: number | undefined): Why {
  if (code === 127) return { tone: 'bad', title: 'startFailedTitle', text: 'notFound', fix: 'notFoundFix' };
  if (code === 126) return { tone: 'bad', title: 'startFailedTitle', text: 'notExecutable', fix: 'notExecutableFix' };
  return { tone: 'bad', title: 'startFailedTitle', text: 'startFailed' };
}

function explainExit(container: Explained): Why {
  const code = container.exitCode ?? 0;
  if (container.process.oomKilled) {
    const limitBytes = container.host.resources.memoryBytes;
    return {
      tone: 'bad',
      title: 'oomTitle',
      text: limitBytes === undefined ? 'oomNoLimit' : 'oom',
      fix: 'oomFix',
      ...(limitBytes === undefined ? {} : { values: { limitBytes } }),
    };
  }
  if (container.error !== '') return startFailed(code);
  if (code === 0) return { tone: 'quiet', title: 'doneTitle', text: 'done' };
  if (code === 126 || code === 127) return { ...startFailed(code), title: 'failureTitle' };
  const signal = code - 128;
  const name = signalNames[signal];
  if (name !== undefined) {
    return { tone: signal === 15 ? 'quiet' : 'bad', title: 'signalTitle', text: signalTexts[signal] ?? 'signal', values: { signal: name } };
  }
  return { tone: 'bad', title: 'failureTitle', text: 'failure', values: { code }, fix: 'failureFix' };
}
