import { Layers, Play } from 'lucide-react';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useNavigate } from 'react-router';
import type { ContainerSummary } from '../../../src-main/contract/container.ts';
import { useText } from '../../text/text.ts';
import { TransferForm, useTransfer } from '../../transfer/transfer-form.tsx';
import { CheckField, Field } from '../../ui/field.tsx';
import { startCommit, useCanPause } from './queries.ts';
import { isUp } from './verbs.ts';

interface CommitForm {
  readonly name: string;
  readonly message: string;
  readonly author: string;
  readonly pause: boolean;
}

/** Its image with what it has changed, under a name of its own. The container stays as it is. */
export function CommitDialog({ container, onClose }: { readonly container: ContainerSummary; readonly onClose: () => void }) {
  const { t } = useText();
  const navigate = useNavigate();
  const transfer = useTransfer();
  /** Name or id of what came out. */
  const [image, setImage] = useState<string>();
  const up = isUp(container.state);
  // Without a cgroup of its own (rootless, on cgroup v1) there is nothing to freeze it by.
  const canPause = useCanPause(container.id);
  const form = useForm<CommitForm>({
    defaultValues: { name: `localhost/${container.name.toLowerCase()}:1`, message: '', author: '', pause: true },
  });
  const submit = form.handleSubmit(({ name, message, author, pause }) => {
    const { id, result } = startCommit(container, {
      name: name.trim(),
      message: message.trim(),
      author: author.trim(),
      pause: up && canPause && pause,
    });
    transfer.begin(id);
    setImage(undefined);
    // The dialog shows why it failed.
    result.then(setImage, () => undefined);
  });
  const { errors } = form.formState;
  return (
    <TransferForm
      transfer={transfer}
      title={t('commit.title', { name: container.name })}
      description={t('commit.intro')}
      label={t('commit.start')}
      icon={Layers}
      onSubmit={submit}
      onClose={onClose}
      done={
        image === undefined
          ? undefined
          : { label: t('pull.run'), icon: Play, act: () => void navigate(`/run?image=${encodeURIComponent(image)}`) }
      }
    >
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
    </TransferForm>
  );
}
