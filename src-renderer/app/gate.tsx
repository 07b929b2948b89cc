import { LoaderCircle, PlugZap, Unplug } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { connection, type ConnectionState } from '../client/connection.ts';
import { notify } from '../client/notices.ts';
import { useStore } from '../client/store.ts';
import { text, useText } from '../text/text.ts';
import { Button } from '../ui/button.tsx';
import { ErrorWords } from '../ui/error-box.tsx';
import { FullState } from '../ui/page.tsx';

/**
 * The page, or why there is none. A page that was there once is kept out of sight during a loss, so that a form that is
 * half filled in is still there afterwards.
 */
export function Gate({ children }: { readonly children: ReactNode }) {
  const state = useStore(connection().state);
  const ready = state.status === 'ready';
  const [opened, setOpened] = useState(ready);
  const [lost, setLost] = useState(false);
  useEffect(() => {
    if (ready) setOpened(true);
    else if (opened) setLost(true);
    if (ready && lost) {
      setLost(false);
      notify({ kind: 'done', title: text()('connection.restored') });
    }
  }, [ready, opened, lost]);
  return (
    <>
      {ready ? null : <Disconnected state={state} />}
      {ready || opened ? (
        <div className="gate" hidden={!ready}>
          {children}
        </div>
      ) : null}
    </>
  );
}

function Disconnected({ state }: { readonly state: Exclude<ConnectionState, { status: 'ready' }> }) {
  const { t } = useText();
  const connect = () => {
    connection().connect();
  };
  switch (state.status) {
    case 'connecting':
      return (
        <FullState alone icon={LoaderCircle} busy title={t('connection.connecting')} hint={t('connection.connectingHint')}>
          <Elapsed sinceMs={state.sinceMs} />
        </FullState>
      );
    case 'unreachable':
      return (
        <FullState alone icon={Unplug} tone="bad" title={t('connection.unreachable')} hint={t('connection.unreachableHint')}>
          <div className="full-state-error">
            <ErrorWords error={state.error} />
          </div>
          {state.retrying ? <p className="muted">{t('connection.retrying')}</p> : null}
          <Button variant="primary" icon={PlugZap} onClick={connect}>
            {t('connection.restart')}
          </Button>
        </FullState>
      );
    case 'mismatch':
      return (
        <FullState alone icon={Unplug} tone="warn" title={t('connection.mismatch')} hint={t('connection.mismatchHint')}>
          <div className="full-state-error">
            <ErrorWords error={state.error} />
          </div>
          <Button
            variant="primary"
            onClick={() => {
              location.reload();
            }}
          >
            {t('app.reload')}
          </Button>
        </FullState>
      );
  }
}

/** Says that time passes, and how much: a wait without a number looks like a hang. */
function Elapsed({ sinceMs }: { readonly sinceMs: number }) {
  const { t } = useText();
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      setSeconds(Math.floor((Date.now() - sinceMs) / 1000));
    }, 1_000);
    return () => {
      clearInterval(timer);
    };
  }, [sinceMs]);
  return seconds < 1 ? null : (
    <p className="muted" aria-live="off">
      {t('connection.seconds', { count: seconds })}
    </p>
  );
}
