import { Ellipsis, FileDown, Layers } from 'lucide-react';
import { useState } from 'react';
import type { ContainerDetail } from '../../../src-main/contract/container.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Menu } from '../../ui/menu.tsx';
import { CommitDialog } from './commit-dialog.tsx';
import { ExportDialog } from './export-dialog.tsx';

/** What is done with a container now and then. */
export function MoreMenu({ container }: { readonly container: ContainerDetail }) {
  const { t } = useText();
  const [open, setOpen] = useState<'commit' | 'export'>();
  const close = () => {
    setOpen(undefined);
  };
  return (
    <>
      <Menu
        label={t('common.actionsFor', { name: container.name })}
        trigger={<Button icon={Ellipsis}>{t('containers.more')}</Button>}
        items={[
          {
            id: 'commit',
            label: t('commit.dots'),
            icon: Layers,
            onSelect: () => {
              setOpen('commit');
            },
          },
          {
            id: 'export',
            label: t('export.dots'),
            icon: FileDown,
            onSelect: () => {
              setOpen('export');
            },
          },
        ]}
      />
      {open === 'commit' ? <CommitDialog container={container} onClose={close} /> : null}
      {open === 'export' ? <ExportDialog container={container} onClose={close} /> : null}
    </>
  );
}
