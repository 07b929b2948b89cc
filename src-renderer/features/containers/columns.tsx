import { Play, Square } from 'lucide-react';
import { useMemo } from 'react';
import { Link, useNavigate } from 'react-router';
import type { ContainerSummary } from '../../../src-main/contract/container.ts';
import { type StatsById, useStats } from '../../client/stats.ts';
import { formatBytes, formatPercent } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { IconButton } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import type { TableColumn } from '../../ui/data-table.tsx';
import { FrontClipped } from '../../ui/front-clipped.tsx';
import { RowMenu } from '../../ui/menu.tsx';
import { useRowTabIndex } from '../../ui/row-focus.ts';
import { StateLabel } from '../../ui/state-label.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { menuItems, type RowActions } from './actions.tsx';
import { PortsCell } from './ports-cell.tsx';
import { perform, usePending } from './queries.ts';
import { canDo, isUp, shortImageName, shownState } from './verbs.ts';

function StateCell({ container }: { readonly container: ContainerSummary }) {
  const verb = usePending(container.id);
  return <StateLabel state={shownState(container.state, verb)} exitCode={container.exitCode} />;
}

function NameCell({ container }: { readonly container: ContainerSummary }) {
  const { t } = useText();
  return (
    <span className="with-copy">
      <Link to={`/containers/${container.id}`} tabIndex={useRowTabIndex()} className="row-link" title={container.name}>
        {container.name}
      </Link>
      <CopyButton value={container.name} what={t('common.name')} />
    </span>
  );
}

function CpuCell({ id }: { readonly id: string }) {
  const stats = useStats(id);
  return stats ? <>{formatPercent(stats.cpuPercent)}</> : <span className="muted">–</span>;
}

function MemoryCell({ id }: { readonly id: string }) {
  const stats = useStats(id);
  return stats ? <>{formatBytes(stats.memoryBytes)}</> : <span className="muted">–</span>;
}

function ActionsCell({ container, actions }: { readonly container: ContainerSummary; readonly actions: RowActions }) {
  const { t } = useText();
  const navigate = useNavigate();
  const tabIndex = useRowTabIndex();
  const busy = usePending(container.id) !== undefined;
  const up = isUp(container.state);
  return (
    <span className="row-actions">
      <IconButton
        icon={up ? Square : Play}
        label={`${t(up ? 'containers.stop' : 'containers.start')} ${container.name}`}
        tabIndex={tabIndex}
        disabled={busy || !canDo(up ? 'stop' : 'start', container.state)}
        onClick={() => void perform(up ? 'stop' : 'start', [container])}
      />
      <RowMenu
        label={t('common.actionsFor', { name: container.name })}
        tabIndex={tabIndex}
        items={() => menuItems(t, container, { ...actions, navigate })}
      />
    </span>
  );
}

/** `sortStats` are those of the moment of sorting: rows do not move while numbers come in. */
export function useColumns(sortStats: StatsById, actions: RowActions): readonly TableColumn<ContainerSummary>[] {
  const { t } = useText();
  return useMemo(
    () => [
      {
        id: 'state',
        header: t('containers.columnState'),
        width: '7.25rem',
        sortValue: (container) => container.state,
        render: (container) => <StateCell container={container} />,
      },
      {
        id: 'name',
        header: t('containers.columnName'),
        width: 'clamp(10rem, 17cqw, 18rem)',
        sortValue: (container) => container.name,
        render: (container) => <NameCell container={container} />,
      },
      {
        id: 'image',
        header: t('containers.columnImage'),
        sortValue: (container) => container.imageName,
        render: (container) => <FrontClipped text={shortImageName(container.imageName)} title={container.imageName} />,
      },
      {
        id: 'ports',
        header: t('containers.columnPorts'),
        width: 'clamp(8.5rem, 15cqw, 13rem)',
        sortValue: (container) => container.ports[0]?.hostPort,
        render: (container) => <PortsCell ports={container.ports} live={container.state === 'running'} />,
      },
      {
        id: 'created',
        header: t('containers.columnCreated'),
        width: '7.75rem',
        needs: 'wide',
        sortValue: (container) => container.createdAt,
        render: (container) => <RelativeTime atMs={container.createdAt} />,
      },
      {
        id: 'cpu',
        header: t('containers.columnCpu'),
        width: '4.5rem',
        align: 'end',
        needs: 'medium',
        sortValue: (container) => sortStats.get(container.id)?.cpuPercent,
        render: (container) => <CpuCell id={container.id} />,
      },
      {
        id: 'memory',
        header: t('containers.columnMemory'),
        width: '5.5rem',
        align: 'end',
        needs: 'medium',
        sortValue: (container) => sortStats.get(container.id)?.memoryBytes,
        render: (container) => <MemoryCell id={container.id} />,
      },
      {
        id: 'actions',
        header: t('common.actions'),
        width: '5.5rem',
        align: 'end',
        render: (container) => <ActionsCell container={container} actions={actions} />,
      },
    ],
    [t, sortStats, actions],
  );
}
