import type { SortingState } from '@tanstack/react-table';
import { CircleCheck } from 'lucide-react';
import { useState } from 'react';
import type { PruneDone, PruneOrder, PrunePlan, PruneRequest } from '../../../src-main/contract/trash.ts';
import { toEngineError } from '../../client/notices.ts';
import { formatBytes } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { DataTable } from '../../ui/data-table.tsx';
import { ErrorBox } from '../../ui/error-box.tsx';
import { CheckField, SelectField } from '../../ui/field.tsx';
import { FullState, Loading } from '../../ui/page.tsx';
import { estimate, keptRows, leaveOut, type PlanRow, planRows, toOrder } from './plan.ts';
import { usePlanColumns } from './plan-columns.tsx';
import { PruneDialog } from './prune-dialog.tsx';
import { PruneResult } from './prune-result.tsx';
import { usePrunePlan } from './queries.ts';

const dayMs = 24 * 3600 * 1000;
const ages = { any: 0, day: dayMs, week: 7 * dayMs, month: 30 * dayMs } as const;
type Age = keyof typeof ages;

interface Choice {
  readonly containers: boolean;
  readonly volumes: boolean;
  readonly images: PruneRequest['images'];
  readonly age: Age;
  /** When the choice was made: the plan is of that moment, and not another one each time it is drawn. */
  readonly madeAt: number;
}

function toRequest({ containers, volumes, images, age, madeAt }: Choice): PruneRequest {
  return { containers, volumes, images, labels: [], notLabels: [], ...(age === 'any' ? {} : { untilMs: madeAt - ages[age] }) };
}

/** First the plan; what of it goes is chosen; only then, and after a confirmation, does anything go. */
export function PruneTab() {
  // Volumes hold data that nobody can make again: they are taken only when it is asked for.
  const [choice, setChoice] = useState<Choice>({ containers: true, volumes: false, images: 'dangling', age: 'any', madeAt: Date.now() });
  const [done, setDone] = useState<{ readonly order: PruneOrder; readonly plan: PrunePlan; readonly result: PruneDone }>();
  return (
    <>
      {done ? (
        <PruneResult
          {...done}
          onClose={() => {
            setDone(undefined);
          }}
        />
      ) : null}
      <ChoiceBar
        choice={choice}
        onChange={(change) => {
          setDone(undefined);
          setChoice({ ...choice, ...change, madeAt: Date.now() });
        }}
      />
      <Plan
        request={toRequest(choice)}
        onDone={(order, plan, result) => {
          setDone({ order, plan, result });
        }}
      />
    </>
  );
}

function ChoiceBar({ choice, onChange }: { readonly choice: Choice; readonly onChange: (change: Partial<Choice>) => void }) {
  const { t } = useText();
  return (
    <fieldset className="toolbar disk-toolbar prune-choice">
      <legend className="visually-hidden">{t('prune.what')}</legend>
      <CheckField
        label={t('prune.containers')}
        checked={choice.containers}
        onChange={(event) => {
          onChange({ containers: event.target.checked });
        }}
      />
      <CheckField
        label={t('prune.volumes')}
        checked={choice.volumes}
        onChange={(event) => {
          onChange({ volumes: event.target.checked });
        }}
      />
      <SelectField
        className="field-inline"
        label={t('disk.images')}
        value={choice.images}
        options={[
          { value: 'dangling', label: t('prune.imagesDangling') },
          { value: 'unused', label: t('prune.imagesUnused') },
          { value: 'none', label: t('prune.imagesNone') },
        ]}
        onChange={(event) => {
          onChange({ images: event.target.value as Choice['images'] });
        }}
      />
      <SelectField
        className="field-inline"
        label={t('prune.made')}
        value={choice.age}
        options={(Object.keys(ages) as Age[]).map((age) => ({ value: age, label: t(`prune.age.${age}`) }))}
        onChange={(event) => {
          onChange({ age: event.target.value as Age });
        }}
      />
    </fieldset>
  );
}

interface PlanProps {
  readonly request: PruneRequest;
  readonly onDone: (order: PruneOrder, plan: PrunePlan, result: PruneDone) => void;
}

function Plan({ request, onDone }: PlanProps) {
  const { t } = useText();
  const query = usePrunePlan(request);
  const [leftOut, setLeftOut] = useState<ReadonlySet<string>>(new Set());
  const [sorting, setSorting] = useState<SortingState>([{ id: 'size', desc: true }]);
  const [confirming, setConfirming] = useState(false);
  const columns = usePlanColumns();
  if (query.isPending) return <Loading label={t('prune.planning')} />;
  if (!query.data)
    return (
      <div className="tab-inset">
        <ErrorBox title={t('prune.planFailed')} error={toEngineError(query.error)} onRetry={() => void query.refetch()} />
      </div>
    );
  const plan = query.data;
  const rows = planRows(plan);
  const kept = keptRows(rows, leftOut);
  const { bytes, atLeast } = estimate(plan, rows, kept);
  const count = rows.length - kept.size;
  return (
    <>
      {rows.length > 0 ? (
        <DataTable
          label={t('prune.plan')}
          rows={rows}
          rowId={rowKey}
          rowName={rowName}
          columns={columns}
          selection={new Set(rows.map(rowKey).filter((key) => !kept.has(key)))}
          onSelect={(selection) => {
            setLeftOut(leaveOut(rows, leftOut, selection));
          }}
          sorting={sorting}
          onSort={setSorting}
          hint={t('prune.keys')}
        />
      ) : (
        <FullState icon={CircleCheck} title={t('prune.nothing')} hint={t('prune.nothingHint')} />
      )}
      <Kept plan={plan} />
      {rows.length > 0 ? (
        <div className="disk-foot">
          <p role="status">
            <strong>{t('prune.chosen', { count, total: rows.length })}</strong>{' '}
            {count > 0 ? t(atLeast ? 'prune.freesAtLeast' : 'prune.frees', { bytes: formatBytes(bytes) }) : ''}
          </p>
          <Button
            variant="danger"
            disabled={count === 0 || query.isPlaceholderData}
            onClick={() => {
              setConfirming(true);
            }}
          >
            {t('prune.startDots')}
          </Button>
        </div>
      ) : null}
      {confirming ? (
        <PruneDialog
          rows={rows.filter(({ key }) => !kept.has(key))}
          bytes={t(atLeast ? 'prune.freesAtLeast' : 'prune.frees', { bytes: formatBytes(bytes) })}
          toOrder={(trash) => toOrder(plan, kept, trash)}
          onClose={() => {
            setConfirming(false);
          }}
          onDone={(order, result) => {
            setConfirming(false);
            setLeftOut(new Set());
            onDone(order, plan, result);
          }}
        />
      ) : null}
    </>
  );
}

const rowKey = (row: PlanRow) => row.key;
const rowName = (row: PlanRow) => row.shown;

/** What would have gone, had nobody needed it. */
function Kept({ plan }: { readonly plan: PrunePlan }) {
  const { t } = useText();
  if (plan.kept.length === 0) return null;
  return (
    <details className="disk-kept">
      <summary>{t('prune.kept', { count: plan.kept.length })}</summary>
      <ul className="plan plan-kept" tabIndex={0} aria-label={t('prune.kept', { count: plan.kept.length })}>
        {plan.kept.map(({ kind, object, name, usedBy }) => (
          <li key={`${kind} ${object}`}>
            <span>
              <strong>{name === '' ? object.slice(0, 12) : name}</strong>{' '}
              <span className="plan-note">
                {t(`trash.kind.${kind}`)} · {t('volumes.usedBy', { names: usedBy.join(', ') })}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
