import { FileDown } from 'lucide-react';
import { useForm } from 'react-hook-form';
import type { ContainerSummary } from '../../../src-main/contract/container.ts';
import { useText } from '../../text/text.ts';
import { TransferForm, useTransfer } from '../../transfer/transfer-form.tsx';
import { defaultPlace, type Place, WhereTo } from '../../transfer/where-to.tsx';
import { startExport } from './queries.ts';

/** All its files in one archive. */
export function ExportDialog({ container, onClose }: { readonly container: ContainerSummary; readonly onClose: () => void }) {
  const { t } = useText();
  const transfer = useTransfer();
  const form = useForm<Place>({ defaultValues: defaultPlace() });
  const fileName = `${container.name}.tar`;
  return (
    <TransferForm
      transfer={transfer}
      title={t('export.title', { name: container.name })}
      description={t('export.intro')}
      label={t('export.start')}
      icon={FileDown}
      onSubmit={form.handleSubmit(({ where, path }) => {
        transfer.begin(startExport(container, where === 'path' ? { path: path.trim() } : { fileName }).id);
      })}
      onClose={onClose}
    >
      <WhereTo form={form} pathHint={t('export.pathHint', { name: container.name })} placeholder={`/home/me/${fileName}`} />
    </TransferForm>
  );
}
