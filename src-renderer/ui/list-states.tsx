/** What stands in the place of a list that has nothing to show. */
import { CircleAlert, FilterX } from 'lucide-react';
import type { EngineError } from '../../src-main/base/errors.ts';
import { useText } from '../text/text.ts';
import { Button } from './button.tsx';
import { ErrorWords } from './error-box.tsx';
import { FullState } from './page.tsx';

/** There is something, but not what is looked for. */
export function NoMatch({ title, onClear }: { readonly title: string; readonly onClear: () => void }) {
  const { t } = useText();
  return (
    <FullState icon={FilterX} title={title}>
      <Button onClick={onClear}>{t('common.clearSearch')}</Button>
    </FullState>
  );
}

interface FailedProps {
  readonly title: string;
  readonly error: EngineError;
  readonly onRetry: () => void;
  /** It stands for a whole page. */
  readonly alone?: boolean;
}

/** It could not be asked for. */
export function Failed({ title, error, onRetry, alone = false }: FailedProps) {
  const { t } = useText();
  return (
    <FullState alone={alone} icon={CircleAlert} tone="bad" title={title} hint={<ErrorWords error={error} />}>
      <Button onClick={onRetry}>{t('common.retry')}</Button>
    </FullState>
  );
}
