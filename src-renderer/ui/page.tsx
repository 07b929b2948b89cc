import { LoaderCircle, type LucideIcon } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { useText } from '../text/text.ts';

interface PageProps {
  readonly title: string;
  /** Beside the title: counts, a state. */
  readonly subtitle?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** A table or a log fills the page and scrolls by itself; anything else scrolls with the page. */
  readonly fill?: boolean;
}

export function Page({ title, subtitle, actions, children, fill = false }: PageProps) {
  const { t } = useText();
  useEffect(() => {
    document.title = `${title} – ${t('app.name')}`;
  }, [title, t]);
  return (
    <div className={fill ? 'page page-fill' : 'page'}>
      <header className="page-header">
        <h1 tabIndex={-1}>{title}</h1>
        {subtitle === undefined ? null : <div className="page-subtitle">{subtitle}</div>}
        <div className="page-actions">{actions}</div>
      </header>
      {children}
    </div>
  );
}

interface FullStateProps {
  readonly icon: LucideIcon;
  readonly title: string;
  readonly hint?: ReactNode;
  readonly children?: ReactNode;
  readonly busy?: boolean;
  readonly tone?: 'quiet' | 'bad' | 'warn';
  /** It stands for a whole page, and its title is the page's. */
  readonly alone?: boolean;
}

/** What fills a place where objects would be: empty, loading, failed. Each has its own shape and words. */
export function FullState({ icon: Icon, title, hint, children, busy = false, tone = 'quiet', alone = false }: FullStateProps) {
  const Heading = alone ? 'h1' : 'h2';
  return (
    <div className="full-state" role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon size={34} strokeWidth={1.5} aria-hidden className={`tone-${tone}${busy ? ' spin' : ''}`} />
      <Heading>{title}</Heading>
      {hint === undefined ? null : <p>{hint}</p>}
      {children === undefined ? null : <div className="full-state-actions">{children}</div>}
    </div>
  );
}

/** Shown only when the wait can be felt, so that quick answers do not flicker. */
export function Loading({ label }: { readonly label?: string }) {
  const { t } = useText();
  const [felt, setFelt] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      setFelt(true);
    }, 150);
    return () => {
      clearTimeout(timer);
    };
  }, []);
  return felt ? <FullState icon={LoaderCircle} busy title={label ?? t('common.loading')} /> : <div className="full-state" />;
}
