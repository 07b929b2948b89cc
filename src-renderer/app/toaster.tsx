import { CircleCheck, TriangleAlert, Undo2, X } from 'lucide-react';
import { Toast } from 'radix-ui';
import { dismissNotice, type Notice, notices } from '../client/notices.ts';
import { undoRemoval } from '../features/disk/queries.ts';
import { useStore } from '../client/store.ts';
import { useText } from '../text/text.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { ErrorWords } from '../ui/error-box.tsx';

export function Toaster() {
  const { t } = useText();
  const list = useStore(notices);
  return (
    <Toast.Provider swipeDirection="right" label={t('app.notices')}>
      {list.map((notice) => (
        <NoticeToast key={notice.id} notice={notice} />
      ))}
      <Toast.Viewport className="toaster" label={`${t('app.notices')} ({hotkey})`} />
    </Toast.Provider>
  );
}

function NoticeToast({ notice }: { readonly notice: Notice }) {
  const { t } = useText();
  const { removed = [] } = notice;
  const failed = notice.kind !== 'done';
  const Icon = failed ? TriangleAlert : CircleCheck;
  const tone = notice.kind === 'done' ? 'good' : notice.kind === 'warning' ? 'warn' : 'bad';
  return (
    <Toast.Root
      className="toast"
      type={failed ? 'foreground' : 'background'}
      // A failure stays until it was read.
      duration={notice.kind === 'failed' ? Number.POSITIVE_INFINITY : notice.kind === 'warning' || removed.length > 0 ? 12_000 : 4_000}
      onOpenChange={(open) => {
        if (!open) dismissNotice(notice.id);
      }}
    >
      <Icon size={17} aria-hidden className={`tone-${tone}`} />
      <div className="toast-body">
        <Toast.Title className="toast-title">{notice.title}</Toast.Title>
        {notice.error || notice.detail !== undefined ? (
          <Toast.Description asChild>
            <div>{notice.error ? <ErrorWords error={notice.error} /> : <p lang="en">{notice.detail}</p>}</div>
          </Toast.Description>
        ) : null}
        {removed.length > 0 ? (
          <Toast.Action asChild altText={t('trash.bringBack')}>
            <Button icon={Undo2} className="toast-action" onClick={() => void undoRemoval(removed)}>
              {t('trash.bringBack')}
            </Button>
          </Toast.Action>
        ) : null}
      </div>
      <Toast.Close asChild>
        <IconButton icon={X} label={t('common.close')} />
      </Toast.Close>
    </Toast.Root>
  );
}
