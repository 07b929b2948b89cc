import { Ellipsis } from 'lucide-react';
import { useState } from 'react';
import type { ContainerSummary } from '../../../src-main/contract/container.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { Menu } from '../../ui/menu.tsx';
import { occasionalItems } from './actions.tsx';
import { ContainerDialog, type ContainerDialogKind } from './dialogs.tsx';

/** What is done with a container now and then. */
export function MoreMenu({ container }: { readonly container: ContainerSummary }) {
  const { t } = useText();
  const [open, setOpen] = useState<ContainerDialogKind>();
  return (
    <>
      <Menu
        label={t('common.actionsFor', { name: container.name })}
        trigger={<Button icon={Ellipsis}>{t('containers.more')}</Button>}
        items={occasionalItems(t, setOpen)}
      />
      {open ? (
        <ContainerDialog
          kind={open}
          container={container}
          onClose={() => {
            setOpen(undefined);
          }}
        />
      ) : null}
    </>
  );
}
