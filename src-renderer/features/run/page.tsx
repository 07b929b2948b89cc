import { Play } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { type FieldErrors, FormProvider, type Path, type Resolver, set, useForm, type UseFormReturn } from 'react-hook-form';
import { useNavigate, useSearchParams } from 'react-router';
import { type EngineError, isCancelled } from '../../../src-main/base/errors.ts';
import { activities } from '../../client/activity.ts';
import { toEngineError } from '../../client/notices.ts';
import { useContainers } from '../../client/objects.ts';
import { useStore } from '../../client/store.ts';
import { type Text, useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { ErrorBox } from '../../ui/error-box.tsx';
import { Page } from '../../ui/page.tsx';
import { ProgressBar } from '../../ui/progress-bar.tsx';
import { Advanced } from './advanced.tsx';
import { CommandLine } from './command-preview.tsx';
import { fieldOf } from './engine-problems.ts';
import { Basics, Behaviour, Limits } from './fields.tsx';
import { MountsList, PortsList, VariablesList } from './lists.tsx';
import { problemsOf, type Surroundings } from './problems.ts';
import { run } from './queries.ts';
import { emptyValues, type RunValues, toSpec } from './values.ts';

function useSurroundings(): Surroundings {
  const { byId } = useContainers().value;
  return useMemo(() => {
    const all = [...byId.values()];
    const published = all
      .filter((container) => container.state === 'running')
      .flatMap((container) =>
        container.ports.flatMap((port) =>
          port.hostPort === undefined ? [] : [[`${port.hostPort}/${port.protocol}`, container.name] as const],
        ),
      );
    return { names: new Set(all.map((container) => container.name)), publishedBy: new Map(published) };
  }, [byId]);
}

function useResolver(t: Text, around: Surroundings): Resolver<RunValues> {
  return useMemo(
    () => (values) => {
      const problems = problemsOf(values, around);
      const errors: FieldErrors<RunValues> = {};
      for (const [field, { key, values: fill }] of problems) set(errors, field, { type: key, message: t(`run.${key}`, fill ?? {}) });
      return problems.size === 0 ? { values, errors: {} } : { values: {}, errors };
    },
    [t, around],
  );
}

/**
 * An error goes while its field is being mended, not only when the field is left: the page would move up under a pointer
 * that has just been pressed, and the click would hit nothing.
 */
function useErrorsGoWhileTyping(form: UseFormReturn<RunValues>): void {
  useEffect(
    () =>
      form.subscribe({
        formState: { values: true },
        callback: ({ name }) => {
          if (name !== undefined && form.getFieldState(name as Path<RunValues>).error) void form.trigger(name as Path<RunValues>);
        },
      }),
    [form],
  );
}

export function RunPage() {
  const { t } = useText();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const [failure, setFailure] = useState<EngineError>();
  const resolver = useResolver(t, useSurroundings());
  const form = useForm<RunValues>({
    defaultValues: { ...emptyValues, image: params.get('image') ?? '' },
    resolver,
    mode: 'onTouched',
    delayError: 400,
  });
  useErrorsGoWhileTyping(form);
  const { isSubmitting, errors, submitCount } = form.formState;
  const submit = form.handleSubmit(async (values) => {
    setFailure(undefined);
    try {
      const { id } = await run(toSpec(values));
      // Who went elsewhere meanwhile is not called back: the notice tells them.
      if (location.hash.startsWith('#/run')) void navigate(`/containers/${id}`);
    } catch (error) {
      if (isCancelled(error)) return;
      const refused = toEngineError(error);
      const field = fieldOf(refused, values);
      if (field === undefined) setFailure(refused);
      else
        form.setError(
          field as Path<RunValues>,
          { type: 'engine', message: [refused.message, refused.fix].filter(Boolean).join(' – ') },
          { shouldFocus: true },
        );
    }
  });
  const problemCount = countErrors(errors);
  return (
    <Page title={t('run.title')}>
      <FormProvider {...form}>
        <form className="run-form" noValidate onSubmit={(event) => void submit(event)}>
          <div className="run-fields">
            {failure ? <ErrorBox title={t('run.failed')} error={failure} /> : null}
            <p className="muted">{t('run.intro')}</p>
            <Basics />
            <PortsList />
            <VariablesList />
            <MountsList />
            <Limits />
            <Behaviour />
            <Advanced />
          </div>
          <div className="run-foot">
            <CommandLine />
            {isSubmitting ? <Pulling /> : null}
            <div className="run-submit">
              <Button variant="primary" icon={Play} type="submit" disabled={isSubmitting}>
                {isSubmitting ? t('run.submitting') : t('run.submit')}
              </Button>
              <span role="status" className="warning-text">
                {submitCount > 0 && problemCount > 0 ? t('run.problems', { count: problemCount }) : ''}
              </span>
            </div>
          </div>
        </form>
      </FormProvider>
    </Page>
  );
}

function countErrors(errors: object): number {
  return Object.values(errors).reduce<number>((count, entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return count;
    return count + ('type' in entry && 'message' in entry ? 1 : countErrors(entry));
  }, 0);
}

/** The image is fetched first when it is not here. */
function Pulling() {
  const { t } = useText();
  const newest = useStore(activities).find((activity) => activity.kind === 'create' && activity.state === 'running');
  if (!newest || newest.transfer.layers.length === 0) return null;
  return (
    <div className="stack">
      <p className="muted">{t('run.pulling')}</p>
      <ProgressBar
        label={t('pull.progress', { name: newest.subject })}
        value={newest.transfer.doneBytes}
        total={newest.transfer.totalBytes}
      />
    </div>
  );
}
