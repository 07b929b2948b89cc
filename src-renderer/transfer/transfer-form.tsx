import type { LucideIcon } from 'lucide-react';
import { type ReactNode, type SyntheticEvent, useId, useState } from 'react';
import { useText } from '../text/text.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { type NextStep, TransferDialog } from './transfer-dialog.tsx';

export interface TransferState {
  /** Of what was begun; undefined while it is only asked for. */
  readonly activityId: number | undefined;
  readonly begin: (activityId: number) => void;
  readonly again: () => void;
}

export function useTransfer(): TransferState {
  const [activityId, begin] = useState<number>();
  return {
    activityId,
    begin,
    again: () => {
      begin(undefined);
    },
  };
}

interface TransferFormProps {
  readonly transfer: TransferState;
  readonly title: string;
  readonly description?: string;
  readonly wide?: boolean;
  /** What the button says that begins it. */
  readonly label: string;
  readonly icon: LucideIcon;
  readonly onSubmit: (event: SyntheticEvent) => unknown;
  readonly onClose: () => void;
  /** What comes next when it is done. */
  readonly done?: NextStep | undefined;
  /** The fields. */
  readonly children: ReactNode;
}

/** Asks what is to be moved, then shows how it goes. Closing it stops nothing; what failed can be tried again with what was typed. */
export function TransferForm({
  transfer,
  title,
  description,
  wide = false,
  label,
  icon,
  onSubmit,
  onClose,
  done,
  children,
}: TransferFormProps) {
  const { t } = useText();
  const formId = useId();
  if (transfer.activityId !== undefined)
    return <TransferDialog activityId={transfer.activityId} onClose={onClose} onAgain={transfer.again} {...(done ? { done } : {})} />;
  return (
    <Dialog
      open
      wide={wide}
      onOpenChange={onClose}
      title={title}
      description={description}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" icon={icon} type="submit" form={formId}>
            {label}
          </Button>
        </>
      }
    >
      <form id={formId} className="stack" noValidate onSubmit={(event) => void onSubmit(event)}>
        {children}
      </form>
    </Dialog>
  );
}
