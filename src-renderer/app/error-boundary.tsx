import { CircleAlert } from 'lucide-react';
import { useRouteError } from 'react-router';
import { messageOf } from '../../src-main/base/errors.ts';
import { useText } from '../text/text.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { FullState } from '../ui/page.tsx';

/** A page that threw: the words of the error, never its stack. */
export function Crashed() {
  const { t } = useText();
  const message = messageOf(useRouteError());
  return (
    <FullState alone icon={CircleAlert} tone="bad" title={t('app.crashed')} hint={t('app.crashedHint')}>
      <p className="error-message">
        <code>{message}</code> <CopyButton value={message} what={t('common.details')} />
      </p>
      <Button
        onClick={() => {
          location.reload();
        }}
      >
        {t('app.reload')}
      </Button>
    </FullState>
  );
}
