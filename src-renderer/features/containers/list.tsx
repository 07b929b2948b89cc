import type { SortingState } from '@tanstack/react-table';
import { Boxes, MoonStar, Plus } from 'lucide-react';
import { type KeyboardEvent, useCallback, useEffect, useMemo, useState } from 'react';
import { Link, useNavigate } from 'react-router';
import type { ContainerSummary } from '../../../src-main/contract/container.ts';
import { containersStore, useContainers } from '../../client/objects.ts';
import { allStats, type StatsById } from '../../client/stats.ts';
import { createStore, useStore } from '../../client/store.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { DataTable } from '../../ui/data-table.tsx';
import { ListBar } from '../../ui/list-bar.tsx';
import { Failed, NoMatch } from '../../ui/list-states.tsx';
import { FullState, Loading, Page } from '../../ui/page.tsx';
import { Segmented } from '../../ui/search-box.tsx';
import { BulkActions } from './actions.tsx';
import { useColumns } from './columns.tsx';
import { ContainerDialog, type ContainerDialogKind } from './dialogs.tsx';
import { perform } from './queries.ts';
import { RemovalDialog } from './removal-dialog.tsx';
import { canDo, matches } from './verbs.ts';

interface View {
  readonly search: string;
  readonly filter: 'all' | 'running';
  readonly sorting: SortingState;
}

/** Kept while other pages are looked at. */
const viewStore = createStore<View>({ search: '', filter: 'all', sorting: [{ id: 'created', desc: true }] });
const noStats: StatsById = new Map();

/** The order by a measured value is that of the moment; it is made again by sorting again. */
function useSortStats(sorting: SortingState): StatsById {
  const [frozen, setFrozen] = useState<StatsById>(noStats);
  useEffect(
    () =>
      allStats.subscribe(() => {
        // The first measurement after the page was opened has to count, later ones must not.
        setFrozen((known) => (known.size === 0 ? allStats.get().value : known));
      }),
    [],
  );
  useEffect(() => {
    setFrozen(allStats.get().value);
  }, [sorting]);
  return frozen;
}

export function ContainerList() {
  const { t } = useText();
  const navigate = useNavigate();
  const live = useContainers();
  const view = useStore(viewStore);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [removing, setRemoving] = useState<readonly ContainerSummary[]>();
  const sortStats = useSortStats(view.sorting);
  const [dialog, setDialog] = useState<{ readonly kind: ContainerDialogKind; readonly container: ContainerSummary }>();
  const actions = useMemo(
    () => ({
      onRemove: setRemoving,
      onOpen: (kind: ContainerDialogKind, container: ContainerSummary) => {
        setDialog({ kind, container });
      },
    }),
    [],
  );
  const columns = useColumns(sortStats, actions);
  const all = useMemo(() => [...live.value.byId.values()], [live.value]);
  const rows = useMemo(
    () =>
      all.filter(
        (container) =>
          (view.filter === 'all' || container.state === 'running' || container.state === 'stopping' || container.state === 'paused') &&
          matches(container, view.search),
      ),
    [all, view],
  );
  const selected = useMemo(() => rows.filter((container) => selection.has(container.id)), [rows, selection]);
  const runningCount = useMemo(() => all.filter((container) => container.state === 'running').length, [all]);
  const open = useCallback((container: ContainerSummary) => void navigate(`/containers/${container.id}`), [navigate]);
  const onRowKey = (event: KeyboardEvent, container: ContainerSummary): boolean => {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const targets = selected.length > 0 ? selected : [container];
    const verb = ({ s: 'start', t: 'stop', r: 'restart' } as const)[event.key];
    if (verb)
      void perform(
        verb,
        targets.filter((target) => canDo(verb, target.state)),
      );
    else if (event.key === 'Delete') setRemoving(targets);
    else if (event.key === 'l') void navigate(`/containers/${container.id}/log`);
    else return false;
    return true;
  };
  const sorted = view.sorting[0]?.id;
  return (
    <Page
      fill
      title={t('containers.title')}
      subtitle={
        live.status === 'live' ? (
          <>
            {t('containers.count', { count: all.length })} · {t('containers.runningCount', { count: runningCount })}
          </>
        ) : undefined
      }
      actions={
        <Button variant="primary" icon={Plus} onClick={() => void navigate('/run')}>
          {t('containers.run')}
        </Button>
      }
    >
      <ListBar
        search={{
          label: t('containers.searchLabel'),
          placeholder: t('containers.searchPlaceholder'),
          value: view.search,
          onChange: (search) => {
            viewStore.update((now) => ({ ...now, search }));
          },
        }}
        filter={
          <Segmented
            label={t('containers.filter')}
            value={view.filter}
            options={[
              { value: 'all', label: t('containers.filterAll') },
              { value: 'running', label: t('containers.filterRunning') },
            ]}
            onChange={(filter) => {
              viewStore.update((now) => ({ ...now, filter }));
            }}
          />
        }
        selectedCount={selected.length}
        onClearSelection={() => {
          setSelection(new Set());
        }}
        bulk={
          <BulkActions
            containers={selected}
            onRemove={() => {
              setRemoving(selected);
            }}
          />
        }
        note={sorted === 'cpu' || sorted === 'memory' ? t('containers.sortFrozen') : ''}
      />
      {rows.length > 0 ? (
        <DataTable
          label={t('containers.title')}
          hint={t('containers.keys')}
          rows={rows}
          rowId={rowId}
          rowName={rowName}
          columns={columns}
          selection={selection}
          onSelect={setSelection}
          onOpen={open}
          onRowKey={onRowKey}
          sorting={view.sorting}
          onSort={(sorting) => {
            viewStore.update((now) => ({ ...now, sorting }));
          }}
        />
      ) : (
        <NoRows total={all.length} view={view} />
      )}
      {dialog ? (
        <ContainerDialog
          {...dialog}
          onClose={() => {
            setDialog(undefined);
          }}
        />
      ) : null}
      {removing ? (
        <RemovalDialog
          containers={removing}
          onClose={() => {
            setRemoving(undefined);
          }}
          onRemoved={() => {
            setSelection(new Set());
          }}
        />
      ) : null}
    </Page>
  );
}

const rowId = (container: ContainerSummary) => container.id;
const rowName = (container: ContainerSummary) => container.name;

/** Loading, failed, empty, nothing running and nothing found are five different things. */
function NoRows({ total, view }: { readonly total: number; readonly view: View }) {
  const { t } = useText();
  const live = useContainers();
  if (live.status === 'loading') return <Loading />;
  if (live.status === 'failed') {
    return <Failed title={t('containers.failed')} error={live.error} onRetry={containersStore.retry} />;
  }
  if (total === 0) {
    return (
      <FullState icon={Boxes} title={t('containers.empty')} hint={t('containers.emptyHint')}>
        <Link className="button button-primary" to="/first-run">
          {t('containers.emptyFirst')}
        </Link>
        <Link className="button button-normal" to="/run">
          {t('containers.run')}
        </Link>
      </FullState>
    );
  }
  if (view.search !== '') {
    return (
      <NoMatch
        title={t('containers.noMatch')}
        onClear={() => {
          viewStore.update((now) => ({ ...now, search: '', filter: 'all' }));
        }}
      />
    );
  }
  return (
    <FullState icon={MoonStar} title={t('containers.noneRunning')} hint={t('containers.noneRunningHint', { count: total })}>
      <Button
        onClick={() => {
          viewStore.update((now) => ({ ...now, filter: 'all' }));
        }}
      >
        {t('containers.showAll')}
      </Button>
    </FullState>
  );
}
