import { Tabs } from 'radix-ui';
import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { shortId } from '../text/format.ts';
import { useText } from '../text/text.ts';
import { CopyButton } from './copy-button.tsx';
import { Page } from './page.tsx';

export interface DetailTab<Id extends string> {
  readonly id: Id;
  readonly label: string;
  readonly content: ReactNode;
  /** It scrolls as a whole; anything else fills the page and scrolls by itself. */
  readonly scrolls?: boolean;
  /** It stays in the page behind the other tabs. */
  readonly kept?: boolean;
}

interface DetailPageProps<Id extends string> {
  readonly title: string;
  /** Of the object: shown short, copied whole. */
  readonly objectId: string;
  /** Before the id: a state, a size. */
  readonly subtitle: ReactNode;
  readonly actions: ReactNode;
  /** Its address; a tab's is below it, except for the first one's. */
  readonly path: string;
  readonly tabs: readonly DetailTab<Id>[];
  readonly tabsLabel: string;
  readonly tab: Id;
}

/** All about one object: its name, what is done with it, and its sides as tabs, each with an address. */
export function DetailPage<Id extends string>({ title, objectId, subtitle, actions, path, tabs, tabsLabel, tab }: DetailPageProps<Id>) {
  const { t } = useText();
  const navigate = useNavigate();
  return (
    <Page
      fill
      title={title}
      subtitle={
        <>
          {subtitle}
          <span className="with-copy">
            <code>{shortId(objectId)}</code>
            <CopyButton value={objectId} what={t('common.id')} />
          </span>
        </>
      }
      actions={actions}
    >
      <Tabs.Root
        className="tabs"
        value={tab}
        onValueChange={(value) => void navigate(value === tabs[0]?.id ? path : `${path}/${value}`, { replace: true })}
      >
        <Tabs.List className="tab-list" aria-label={tabsLabel}>
          {tabs.map(({ id, label }) => (
            <Tabs.Trigger key={id} value={id} className="tab">
              {label}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {tabs.map(({ id, content, scrolls = false, kept = false }) => (
          <Tabs.Content
            key={id}
            value={id}
            className={scrolls ? 'tab-content tab-scroll' : 'tab-content'}
            {...(kept ? { forceMount: true, hidden: tab !== id } : {})}
          >
            {content}
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </Page>
  );
}
