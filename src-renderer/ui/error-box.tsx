import { CircleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import type { EngineError } from '../../src-main/base/errors.ts';
import { useText } from '../text/text.ts';
import { Button } from './button.tsx';
import { CopyButton } from './copy-button.tsx';

interface ErrorBoxProps {
  readonly title: string;
  readonly error: EngineError;
  readonly onRetry?: (() => void) | undefined;
  /** Before the engine's words: the same in the reader's. */
  readonly lead?: ReactNode;
  readonly children?: ReactNode;
}

/** What happened, in the engine's own words, with what to do about it. */
export function ErrorBox({ title, error, onRetry, lead, children }: ErrorBoxProps) {
  const { t } = useText();
  return (
    <div className="error-box" role="alert">
      <CircleAlert size={18} aria-hidden className="tone-bad" />
      <div className="error-body">
        <p className="error-title">
          {title}: {t(`errors.${error.code}`)}
        </p>
        {lead}
        <ErrorWords error={error} />
        {children}
        {onRetry ? <Button onClick={onRetry}>{t('common.retry')}</Button> : null}
      </div>
    </div>
  );
}

export function ErrorWords({ error }: { readonly error: EngineError }) {
  const { t } = useText();
  return (
    <>
      <p className="error-message" lang="en">
        {error.message} <CopyButton value={error.message} what={t('common.details')} />
      </p>
      {error.fix === undefined || error.fix === '' ? null : (
        <p className="error-fix">
          <strong>{t('common.whatToDo')}:</strong> <span lang="en">{error.fix}</span>
        </p>
      )}
    </>
  );
}
