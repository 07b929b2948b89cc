import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useText } from '../text/text.ts';
import { IconButton } from './button.tsx';
import { useRowTabIndex } from './row-focus.ts';

/** Rejects where the page is not served securely: there is no clipboard then. */
async function writeClipboard(value: string): Promise<void> {
  await navigator.clipboard.writeText(value);
}

interface CopyButtonProps {
  readonly value: string;
  /** What is copied, for its name: “Copy the id”. */
  readonly what: string;
}

export function CopyButton({ value, what }: CopyButtonProps) {
  const { t } = useText();
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  const tabIndex = useRowTabIndex();
  useEffect(() => {
    if (state === 'idle') return undefined;
    const timer = setTimeout(() => {
      setState('idle');
    }, 1_500);
    return () => {
      clearTimeout(timer);
    };
  }, [state]);
  const label = state === 'copied' ? t('common.copied') : state === 'failed' ? t('common.copyFailed') : t('common.copyWhat', { what });
  return (
    <>
      <IconButton
        icon={state === 'copied' ? Check : Copy}
        label={label}
        className="copy-button"
        tabIndex={tabIndex}
        onClick={(event) => {
          event.stopPropagation();
          writeClipboard(value).then(
            () => {
              setState('copied');
            },
            () => {
              setState('failed');
            },
          );
        }}
      />
      <span className="visually-hidden" role="status">
        {state === 'idle' ? '' : label}
      </span>
    </>
  );
}
