import { CircleCheck, RefreshCw, Wrench } from 'lucide-react';
import { useState } from 'react';
import type { RepairPlan } from '../../../src-main/contract/system.ts';
import { toEngineError } from '../../client/notices.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { ErrorBox } from '../../ui/error-box.tsx';
import { Section } from '../../ui/facts.tsx';
import { FullState, Loading } from '../../ui/page.tsx';
import { problemText } from './problem-words.ts';
import { useRepair, useRepairPlan } from './queries.ts';

/** What is not as it should be in the store; repaired by a plan, and only what nobody refers to goes. */
export function CheckTab() {
  const { t } = useText();
  const query = useRepairPlan();
  const repair = useRepair();
  const [confirming, setConfirming] = useState(false);
  if (query.isPending) return <Loading label={t('repair.checking')} />;
  const again = (
    <Button icon={RefreshCw} disabled={query.isFetching} onClick={() => void query.refetch()}>
      {t('repair.again')}
    </Button>
  );
  if (!query.data)
    return (
      <div className="tab-inset">
        <ErrorBox title={t('repair.checkFailed')} error={toEngineError(query.error)} onRetry={() => void query.refetch()} />
      </div>
    );
  const { actions, manual } = query.data;
  return (
    <div className="tab-scroll sections">
      {repair.data ? <Done done={repair.data.done} failed={repair.data.failed} /> : null}
      {actions.length + manual.length === 0 ? (
        <FullState icon={CircleCheck} title={t('repair.well')} hint={t('repair.wellHint')}>
          {again}
        </FullState>
      ) : null}
      {actions.length > 0 ? (
        <Section
          title={t('repair.repairable', { count: actions.length })}
          actions={
            <span className="section-actions">
              {again}
              <Button
                variant="primary"
                icon={Wrench}
                onClick={() => {
                  setConfirming(true);
                }}
              >
                {t('repair.startDots')}
              </Button>
            </span>
          }
        >
          <Problems problems={actions.map((one) => ({ ...one, then: one.action }))} />
        </Section>
      ) : null}
      {manual.length > 0 ? (
        <Section title={t('repair.manual', { count: manual.length })} actions={actions.length > 0 ? undefined : again}>
          <Problems problems={manual.map((one) => ({ ...one, then: one.advice }))} />
        </Section>
      ) : null}
      {confirming ? (
        <RepairDialog
          actions={actions}
          repair={repair}
          onClose={() => {
            setConfirming(false);
          }}
        />
      ) : null}
    </div>
  );
}

interface ShownProblem {
  readonly kind: string;
  readonly object: string;
  readonly message: string;
  readonly then: string;
}

function Problems({ problems }: { readonly problems: readonly ShownProblem[] }) {
  const { t } = useText();
  return (
    <ul className="check-lines">
      {problems.map(({ kind, object, message, then }) => (
        <li key={`${kind} ${object}`} className="problem">
          <p>
            <strong>{t(problemText(kind))}</strong> <code className="problem-object">{object.replace(/^sha256:/, '').slice(0, 40)}</code>
          </p>
          <p className="muted" lang="en">
            {message}
          </p>
          <p>
            <strong>{t('common.whatToDo')}:</strong> <span lang="en">{then}</span>
          </p>
        </li>
      ))}
    </ul>
  );
}

interface RepairDialogProps {
  readonly actions: RepairPlan['actions'];
  readonly repair: ReturnType<typeof useRepair>;
  readonly onClose: () => void;
}

function RepairDialog({ actions, repair, onClose }: RepairDialogProps) {
  const { t } = useText();
  const [fixed] = useState(actions);
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('repair.title', { count: fixed.length })}
      description={t('repair.intro')}
      footer={
        <>
          <Button data-harmless onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button
            variant="primary"
            icon={Wrench}
            disabled={repair.isPending}
            onClick={() => {
              repair.mutate(fixed, { onSuccess: onClose });
            }}
          >
            {repair.isPending ? t('repair.running') : t('repair.confirm')}
          </Button>
        </>
      }
    >
      <ul className="plan" tabIndex={0} aria-label={t('repair.title', { count: fixed.length })}>
        {fixed.map(({ kind, object, action }) => (
          <li key={`${kind} ${object}`}>
            <span>
              <strong>{t(problemText(kind))}</strong>
              <span className="plan-note">
                <code>{object.replace(/^sha256:/, '').slice(0, 40)}</code> – <span lang="en">{action}</span>
              </span>
            </span>
          </li>
        ))}
      </ul>
      {repair.isError ? <ErrorBox title={t('repair.failed')} error={toEngineError(repair.error)} /> : null}
    </Dialog>
  );
}

function Done({ done, failed }: { readonly done: readonly string[]; readonly failed: readonly string[] }) {
  const { t } = useText();
  return (
    <Section title={t('repair.result')}>
      <div role="status" className="stack">
        <p>{done.length + failed.length === 0 ? t('repair.nothingDone') : t('repair.done', { count: done.length })}</p>
        <ul className="prune-skipped" lang="en">
          {done.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        {failed.length > 0 ? (
          <>
            <p className="warning-text">{t('repair.notDone', { count: failed.length })}</p>
            <ul className="prune-skipped" lang="en">
              {failed.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </>
        ) : null}
      </div>
    </Section>
  );
}
