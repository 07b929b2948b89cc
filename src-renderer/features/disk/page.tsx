import { Tabs } from 'radix-ui';
import { useSearchParams } from 'react-router';
import { useText } from '../../text/text.ts';
import { Page } from '../../ui/page.tsx';
import { CheckTab } from './check-tab.tsx';
import { PruneTab } from './prune-tab.tsx';
import { TrashTab } from './trash-tab.tsx';
import { UsageTab } from './usage-tab.tsx';

const views = ['usage', 'prune', 'trash', 'check'] as const;
type View = (typeof views)[number];
const panels: Record<View, () => React.ReactNode> = { usage: UsageTab, prune: PruneTab, trash: TrashTab, check: CheckTab };

/** What takes the disk, and every way to free it: by plan, and out of the trash again. */
export function DiskPage() {
  const { t } = useText();
  const [params, setParams] = useSearchParams();
  const view = views.find((name) => name === params.get('view')) ?? 'usage';
  const Panel = panels[view];
  return (
    <Page fill title={t('disk.title')}>
      <Tabs.Root
        className="tabs"
        value={view}
        onValueChange={(name) => {
          setParams(name === 'usage' ? {} : { view: name }, { replace: true });
        }}
      >
        <Tabs.List className="tab-list" aria-label={t('disk.tabs')}>
          {views.map((name) => (
            <Tabs.Trigger key={name} value={name} className="tab">
              {t(`disk.${name}`)}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <Tabs.Content key={view} value={view} className="tab-content tab-panel">
          <Panel />
        </Tabs.Content>
      </Tabs.Root>
    </Page>
  );
}
