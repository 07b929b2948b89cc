import { FileDown } from 'lucide-react';
import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useText } from '../../text/text.ts';
import { TransferForm, useTransfer } from '../../transfer/transfer-form.tsx';
import { defaultPlace, type Place, WhereTo } from '../../transfer/where-to.tsx';
import { SelectField } from '../../ui/field.tsx';
import { archiveName } from './names.ts';
import { type SaveRequest, startSave } from './queries.ts';

interface SaveDialogProps {
  /** By name or id. */
  readonly images: readonly string[];
  /** Of one image: its further names, which go with it where the format has several. */
  readonly names?: readonly string[];
  readonly onClose: () => void;
}

/** Images into a file that podman, docker and this product read. */
export function SaveDialog({ images, names = [], onClose }: SaveDialogProps) {
  const { t } = useText();
  const transfer = useTransfer();
  const form = useForm<Place>({ defaultValues: defaultPlace() });
  const [format, setFormat] = useState<SaveRequest['format']>('docker-archive');
  const fileName = archiveName(images);
  return (
    <TransferForm
      transfer={transfer}
      title={t('archive.saveTitle', { count: images.length })}
      label={t('archive.save')}
      icon={FileDown}
      onSubmit={form.handleSubmit(({ where, path }) => {
        const request = { images: [...images], names: format === 'docker-archive' ? [...names] : [], format };
        transfer.begin(startSave(request, where === 'path' ? { path: path.trim() } : { fileName }).id);
      })}
      onClose={onClose}
    >
      <WhereTo form={form} pathHint={t('archive.pathHint')} placeholder={`/home/me/${fileName}`} />
      <SelectField
        label={t('push.format')}
        options={[
          { value: 'docker-archive', label: t('archive.docker') },
          // Several images in one file only Docker's format has.
          ...(images.length === 1 ? [{ value: 'oci-archive', label: t('archive.oci') }] : []),
        ]}
        value={format}
        onChange={(event) => {
          setFormat(event.target.value === 'oci-archive' ? 'oci-archive' : 'docker-archive');
        }}
      />
    </TransferForm>
  );
}
