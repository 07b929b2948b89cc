import { PackageX, Play, RotateCw, Square, Trash2 } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { isEngineError } from '../../../src-main/base/errors.ts';
import type { ContainerDetail, ContainerSummary } from '../../../src-main/contract/container.ts';
import { toEngineError } from '../../client/notices.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { DetailPage } from '../../ui/detail-page.tsx';
import { JsonView } from '../../ui/json-view.tsx';
import { Failed } from '../../ui/list-states.tsx';
import { FullState, Loading } from '../../ui/page.tsx';
import { StateLabel } from '../../ui/state-label.tsx';
import { LogView } from './log-view.tsx';
import { MoreMenu } from './more-menu.tsx';
import { Overview } from './overview.tsx';
import { perform, useContainer, usePending } from './queries.ts';
import { RemovalDialog } from './removal-dialog.tsx';
import { canDo, isUp, shownState } from './verbs.ts';

/** The terminal is the largest part of the interface; it is loaded when it is opened. */
const Terminal = lazy(async () => ({ default: (await import('./terminal.tsx')).TerminalView }));

const tabs = ['overview', 'log', 'terminal', 'inspect'] as const;
type Tab = (typeof tabs)[number];

export function ContainerDetailPage() {
  const { t } = useText();
  const { id = '', tab } = useParams();
  const { summary, query, removed } = useContainer(id);
  if (removed || isEngineError(query.error, 'not-found')) {
    return (
      <FullState alone icon={PackageX} title={t('detail.gone')} hint={t('detail.goneHint')}>
        <Link className="button button-primary" to="/containers">
          {t('detail.toList')}
        </Link>
        <Link className="button button-normal" to="/disk?view=trash">
          {t('disk.toTrash')}
        </Link>
      </FullState>
    );
  }
  if (query.isPending) return <Loading />;
  if (!query.data) {
    return <Failed alone title={t('detail.failed')} error={toEngineError(query.error)} onRetry={() => void query.refetch()} />;
  }
  // The list knows of a change before the details have been asked for again.
  const container = summary ? { ...query.data, ...summary } : query.data;
  return <Detail key={id} container={container} tab={tabs.find((name) => name === tab) ?? 'overview'} />;
}

function Detail({ container, tab }: { readonly container: ContainerDetail; readonly tab: Tab }) {
  const { t } = useText();
  // A terminal that was opened stays open behind the other tabs.
  const [terminalOpened, setTerminalOpened] = useState(tab === 'terminal');
  if (tab === 'terminal' && !terminalOpened) setTerminalOpened(true);
  return (
    <DetailPage
      title={container.name}
      objectId={container.id}
      subtitle={<Status container={container} />}
      actions={<Actions container={container} />}
      path={`/containers/${container.id}`}
      tabsLabel={t('detail.tabs')}
      tab={tab}
      tabs={[
        { id: 'overview', label: t('detail.overview'), content: <Overview container={container} />, scrolls: true },
        { id: 'log', label: t('detail.log'), content: <LogView container={container} /> },
        {
          id: 'terminal',
          label: t('detail.terminal'),
          kept: true,
          content: terminalOpened ? (
            <Suspense fallback={<Loading />}>
              <Terminal container={container} visible={tab === 'terminal'} />
            </Suspense>
          ) : null,
        },
        { id: 'inspect', label: t('detail.inspect'), content: <JsonView value={container} label={t('inspect.label')} /> },
      ]}
    />
  );
}

function Status({ container }: { readonly container: ContainerDetail }) {
  const verb = usePending(container.id);
  return (
    <span role="status">
      <StateLabel state={shownState(container.state, verb)} exitCode={container.exitCode} />
    </span>
  );
}

function Actions({ container }: { readonly container: ContainerDetail }) {
  const { t } = useText();
  const navigate = useNavigate();
  const busy = usePending(container.id) !== undefined;
  const [removing, setRemoving] = useState<readonly ContainerSummary[]>();
  const up = isUp(container.state);
  return (
    <>
      {up ? (
        <Button icon={Square} disabled={busy || !canDo('stop', container.state)} onClick={() => void perform('stop', [container])}>
          {t('containers.stop')}
        </Button>
      ) : (
        <Button
          icon={Play}
          variant="primary"
          disabled={busy || !canDo('start', container.state)}
          onClick={() => void perform('start', [container])}
        >
          {t('containers.start')}
        </Button>
      )}
      <Button icon={RotateCw} disabled={busy || !canDo('restart', container.state)} onClick={() => void perform('restart', [container])}>
        {t('containers.restart')}
      </Button>
      <MoreMenu container={container} />
      <Button
        icon={Trash2}
        variant="danger"
        disabled={busy}
        onClick={() => {
          setRemoving([container]);
        }}
      >
        {t('containers.remove')}
      </Button>
      {removing ? (
        <RemovalDialog
          containers={removing}
          onClose={() => {
            setRemoving(undefined);
          }}
          onRemoved={() => void navigate('/containers')}
        />
      ) : null}
    </>
  );
}
