import { Layers, Play } from 'lucide-react';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useNavigate } from 'react-router';
import type { ContainerDetail } from '../../../src-main/contract/container.ts';
import { useText } from '../../text/text.ts';
import { TransferDialog } from '../../transfer/transfer-dialog.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { CheckField, Field } from '../../ui/field.tsx';
import { startCommit } from './queries.ts';
import { isUp } from './verbs.ts';

interface CommitForm {
  readonly name: string;
  readonly message: string;
  readonly author: string;
  readonly pause: boolean;
}

interface Begun {
  readonly id: number;
  /** Name or id of what came out; undefined while it is being made. */
  readonly image?: string;
}

/** Its image with what it has changed, under a name of its own. The container stays as it is. */
export function CommitDialog({ container, onClose }: { readonly container: ContainerDetail; readonly onClose: () => void }) {
  const { t } = useText();
  const navigate = useNavigate();
  const [begun, setBegun] = useState<Begun>();
  const up = isUp(container.state);
  // Without a cgroup of its own (rootless, on cgroup v1) there is nothing to freeze it by.
  const canPause = container.host.cgroupManager !== 'disabled';
  const form = useForm<CommitForm>({
    defaultValues: { name: `localhost/${container.name.toLowerCase()}:1`, message: '', author: '', pause: canPause },
  });
  const submit = form.handleSubmit(({ name, message, author, pause }) => {
    const { id, result } = startCommit(container, {
      name: name.trim(),
      message: message.trim(),
      author: author.trim(),
      pause: up && canPause && pause,
    });
    setBegun({ id });
    result.then(
      (image) => {
        setBegun({ id, image });
      },
      // The dialog shows why.
      () => undefined,
    );
  });
  if (begun) {
    const { image } = begun;
    return (
      <TransferDialog
        activityId={begun.id}
        onClose={onClose}
        onAgain={() => {
          setBegun(undefined);
        }}
        {...(image === undefined
          ? {}
          : { done: { label: t('pull.run'), icon: Play, act: () => void navigate(`/run?image=${encodeURIComponent(image)}`) } })}
      />
    );
  }
  const { errors } = form.formState;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('commit.title', { name: container.name })}
      description={t('commit.intro')}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" icon={Layers} type="submit" form="commit-form">
            {t('commit.start')}
          </Button>
        </>
      }
    >
      <form id="commit-form" className="stack" noValidate onSubmit={(event) => void submit(event)}>
        <Field
          label={t('commit.name')}
          hint={t('image.tagHint')}
          error={errors.name?.message}
          {...form.register('name', {
            validate: (value) =>
              value.trim() === '' ? t('pull.referenceNeeded') : /\s/.test(value.trim()) ? t('pull.referenceSpace') : true,
          })}
        />
        <Field label={t('common.optional', { what: t('commit.message') })} {...form.register('message')} />
        <Field label={t('common.optional', { what: t('commit.author') })} {...form.register('author')} />
        {up && !canPause ? <p className="field-hint">{t('commit.cannotPause')}</p> : null}
        {up && canPause ? (
          <div>
            <CheckField label={t('commit.pause')} {...form.register('pause')} />
            <p className="field-hint">{t('commit.pauseHint')}</p>
          </div>
        ) : null}
      </form>
    </Dialog>
  );
}
