import '@xterm/xterm/css/xterm.css';
import { CircleAlert, CircleStop, MoonStar, PlugZap } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { ContainerDetail } from '../../../src-main/contract/container.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { ErrorWords } from '../../ui/error-box.tsx';
import { FullState } from '../../ui/page.tsx';
import { Segmented } from '../../ui/search-box.tsx';
import { startSession, type SessionState, type TerminalSession } from './terminal-session.ts';

const shells = ['sh', 'bash'] as const;
type Shell = (typeof shells)[number];

interface TerminalViewProps {
  readonly container: ContainerDetail;
  /** Hidden behind another tab it goes on, but has no size to fit. */
  readonly visible: boolean;
}

export function TerminalView({ container, visible }: TerminalViewProps) {
  const { t } = useText();
  const [shell, setShell] = useState<Shell>('sh');
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<SessionState>({ status: 'opening' });
  const host = useRef<HTMLDivElement>(null);
  const session = useRef<TerminalSession>(undefined);
  const running = container.state === 'running';
  // What has ended stays to be read after the container has stopped.
  const [begun, setBegun] = useState(running);
  if (running && !begun) setBegun(true);
  useEffect(() => {
    if (!host.current || !begun) return undefined;
    const current = startSession(host.current, container.id, shell, setState);
    session.current = current;
    return () => {
      session.current = undefined;
      current.close();
    };
  }, [container.id, shell, attempt, begun]);
  useEffect(() => {
    if (visible) session.current?.show();
  }, [visible, attempt, shell]);
  if (!begun) return <FullState icon={MoonStar} title={t('terminal.notRunning')} hint={t('terminal.notRunningHint')} />;
  const over = state.status === 'ended' || state.status === 'failed' || state.status === 'lost';
  return (
    <div className="terminal">
      <div className="toolbar">
        <Segmented
          label={t('terminal.shell')}
          value={shell}
          options={shells.map((value) => ({ value, label: value }))}
          onChange={(value: Shell) => {
            setShell(value);
          }}
        />
        <span role="status" className="muted">
          {state.status === 'opening' ? t('terminal.opening') : state.status === 'connected' ? t('terminal.connected', { shell }) : ''}
        </span>
        <span className="toolbar-end muted toolbar-note">{t('terminal.keys')}</span>
      </div>
      <div className="terminal-host" ref={host} role="group" aria-label={t('terminal.label', { name: container.name })} />
      {over ? (
        <div className="terminal-over" role="status">
          {state.status === 'ended' ? <CircleStop size={16} aria-hidden /> : <CircleAlert size={16} aria-hidden className="tone-bad" />}
          <Over state={state} shell={shell} />
          <Button
            icon={PlugZap}
            disabled={!running}
            onClick={() => {
              setAttempt(attempt + 1);
            }}
          >
            {t('terminal.again')}
          </Button>
        </div>
      ) : null}
    </div>
  );
}

function Over({ state, shell }: { readonly state: SessionState; readonly shell: string }) {
  const { t } = useText();
  switch (state.status) {
    case 'ended':
      return (
        <span>
          {t('terminal.ended', { code: state.code })} {state.code === 127 || state.code === 126 ? t('terminal.noShell', { shell }) : ''}
        </span>
      );
    case 'failed':
      return (
        <div>
          <strong>{t('terminal.failed')}</strong>
          <ErrorWords error={state.error} />
          {state.error.code === 'command-not-found' ? <p>{t('terminal.noShell', { shell })}</p> : null}
        </div>
      );
    case 'lost':
      return <span>{t('terminal.lost')}</span>;
    case 'opening':
    case 'connected':
      return null;
  }
}
