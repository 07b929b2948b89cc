import { Upload } from 'lucide-react';
import { useForm } from 'react-hook-form';
import type { ImageSummary } from '../../../src-main/contract/image.ts';
import { useText } from '../../text/text.ts';
import { Field, SelectField } from '../../ui/field.tsx';
import { registryOf } from './names.ts';
import { startPush, useStoredLogin } from './queries.ts';
import { TransferForm, useTransfer } from '../../transfer/transfer-form.tsx';

interface PushForm {
  readonly destination: string;
  readonly user: string;
  readonly password: string;
  readonly format: '' | 'oci' | 'v2s2';
  readonly compression: '' | 'gzip' | 'zstd';
}

interface PushDialogProps {
  readonly image: Pick<ImageSummary, 'id' | 'names'>;
  /** The one of its names that it is pushed by; the first when nobody has chosen. */
  readonly name?: string;
  readonly onClose: () => void;
}

/** Asks where to, then shows how it goes. What the registry has already is not sent again. */
export function PushDialog({ image, name = image.names[0] ?? '', onClose }: PushDialogProps) {
  const { t } = useText();
  const transfer = useTransfer();
  const form = useForm<PushForm>({ defaultValues: { destination: name, user: '', password: '', format: '', compression: '' } });
  const registry = registryOf(form.watch('destination'));
  const submit = form.handleSubmit(({ destination, user, password, format, compression }) => {
    const { id } = startPush({
      image: image.id,
      destination: destination.trim(),
      ...(format === '' ? {} : { format }),
      ...(compression === '' ? {} : { compressionFormat: compression }),
      ...(user === '' ? {} : { credentials: `${user}:${password}` }),
    });
    transfer.begin(id);
  });
  const { errors } = form.formState;
  return (
    <TransferForm transfer={transfer} title={t('push.title')} label={t('push.start')} icon={Upload} onSubmit={submit} onClose={onClose}>
      <Field
        label={t('push.destination')}
        hint={t('push.destinationHint')}
        error={errors.destination?.message}
        {...form.register('destination', {
          validate: (value) => {
            if (value.trim() === '') return t('push.destinationNeeded');
            if (/\s/.test(value.trim())) return t('pull.referenceSpace');
            return registryOf(value) === 'localhost' ? t('push.localhost') : true;
          },
        })}
      />
      <StoredLogin registry={registry} />
      <details>
        <summary>{t('push.more')}</summary>
        <div className="stack">
          <div className="columns-2">
            <Field label={t('pull.user')} {...form.register('user')} />
            <Field label={t('pull.password')} type="password" {...form.register('password')} />
          </div>
          <p className="field-hint">{t('push.credentialsHint')}</p>
          <div className="columns-2">
            <SelectField
              label={t('push.format')}
              options={[
                { value: '', label: t('push.asItIs') },
                { value: 'oci', label: 'OCI' },
                { value: 'v2s2', label: 'Docker v2s2' },
              ]}
              {...form.register('format')}
            />
            <SelectField
              label={t('push.compression')}
              options={[
                { value: '', label: t('push.asItIs') },
                { value: 'gzip', label: 'gzip' },
                { value: 'zstd', label: 'zstd' },
              ]}
              {...form.register('compression')}
            />
          </div>
        </div>
      </details>
    </TransferForm>
  );
}

function StoredLogin({ registry }: { readonly registry: string }) {
  const { t } = useText();
  const { data } = useStoredLogin(registry);
  if (!data) return null;
  const known = data.username !== '' || data.hasToken;
  return (
    <p className="muted">
      {known
        ? t('push.loggedIn', { registry: data.key, user: data.username === '' ? t('push.byToken') : data.username })
        : t('push.notLoggedIn', { registry: data.key })}
    </p>
  );
}
