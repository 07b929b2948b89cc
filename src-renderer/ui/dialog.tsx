import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import { useText } from '../text/text.ts';
import { IconButton } from './button.tsx';

interface DialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  readonly title: string;
  readonly description?: ReactNode;
  readonly children: ReactNode;
  readonly footer?: ReactNode;
  readonly wide?: boolean;
}

export function Dialog({ open, onOpenChange, title, description, children, footer, wide = false }: DialogProps) {
  const { t } = useText();
  const [opener] = useState(() => document.activeElement);
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="overlay" />
        <Radix.Content
          className={wide ? 'dialog dialog-wide' : 'dialog'}
          onOpenAutoFocus={(event) => {
            // What there is to type, or what does no harm; without either the button that closes it.
            const body = event.currentTarget instanceof HTMLElement ? event.currentTarget : undefined;
            const first = body?.querySelector<HTMLElement>(
              '.dialog-body input:not([type=checkbox], [type=radio], [type=file]), [data-harmless]',
            );
            if (!first) return;
            event.preventDefault();
            first.focus();
          }}
          onCloseAutoFocus={(event) => {
            // It has no button of its own that the focus could go back to: rows, keys and addresses open it.
            event.preventDefault();
            giveFocusBack(opener);
          }}
          {...(description === undefined ? { 'aria-describedby': undefined } : {})}
        >
          <div className="dialog-header">
            <Radix.Title>{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton icon={X} label={t('common.close')} />
            </Radix.Close>
          </div>
          <div className="dialog-body">
            {description === undefined ? null : <Radix.Description>{description}</Radix.Description>}
            {children}
          </div>
          {footer === undefined ? null : <div className="dialog-footer">{footer}</div>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** To where it was; where that is gone (the item of a menu), to the table of the page or its title. */
function giveFocusBack(opener: Element | null): void {
  const known = opener instanceof HTMLElement && opener.isConnected && opener !== document.body ? opener : undefined;
  const target = known ?? document.querySelector<HTMLElement>('main [role=grid]') ?? document.querySelector<HTMLElement>('main h1');
  target?.focus({ preventScroll: true });
}
