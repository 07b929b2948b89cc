import { useFormContext, useWatch } from 'react-hook-form';
import { useText } from '../../text/text.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { toCommandLine } from './command-line.ts';
import { quoteWords } from './shell-words.ts';
import { emptyValues, type RunValues, toSpec } from './values.ts';

/** Follows every key that is typed. */
export function CommandLine() {
  const { t } = useText();
  const { control } = useFormContext<RunValues>();
  const values = { ...emptyValues, ...useWatch({ control }) } as RunValues;
  const line = quoteWords(toCommandLine(toSpec(values)));
  return (
    <div className="command-preview">
      <h2>{t('run.commandLine')}</h2>
      <div className="command">
        <code tabIndex={0}>{line}</code>
        <CopyButton value={line} what={t('detail.command')} />
      </div>
    </div>
  );
}
