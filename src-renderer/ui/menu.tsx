import { Ellipsis, type LucideIcon } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import { IconButton } from './button.tsx';

export interface MenuItem {
  readonly id: string;
  readonly label: string;
  readonly icon?: LucideIcon;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  readonly checked?: boolean;
  /** A line above it. */
  readonly separated?: boolean;
  readonly onSelect: () => void;
}

interface MenuProps {
  readonly trigger: ReactNode;
  readonly items: readonly MenuItem[];
  readonly label: string;
  readonly defaultOpen?: boolean;
}

export function Menu({ trigger, items, label, defaultOpen = false }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false} defaultOpen={defaultOpen}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal container={document.getElementById('main')}>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4} aria-label={label} collisionPadding={8}>
          {items.map((item) => (
            <Item key={item.id} item={item} />
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

interface RowMenuProps {
  readonly label: string;
  readonly tabIndex: number;
  /** Asked for when the menu is opened. */
  readonly items: () => readonly MenuItem[];
}

/** The menu of a row: a mere button until it is used, since a table draws dozens of rows while it scrolls. */
export function RowMenu({ label, tabIndex, items }: RowMenuProps) {
  const [used, setUsed] = useState(false);
  if (used)
    return <Menu defaultOpen label={label} items={items()} trigger={<IconButton icon={Ellipsis} label={label} tabIndex={tabIndex} />} />;
  return (
    <IconButton
      icon={Ellipsis}
      label={label}
      tabIndex={tabIndex}
      aria-haspopup="menu"
      aria-expanded={false}
      onClick={() => {
        setUsed(true);
      }}
    />
  );
}

function Item({ item }: { readonly item: MenuItem }) {
  const Icon = item.icon;
  const content = (
    <>
      {Icon ? <Icon size={15} aria-hidden /> : <span className="menu-gap" />}
      {item.label}
    </>
  );
  const className = item.danger === true ? 'menu-item menu-danger' : 'menu-item';
  return (
    <>
      {item.separated === true ? <DropdownMenu.Separator className="menu-separator" /> : null}
      {item.checked === undefined ? (
        <DropdownMenu.Item className={className} disabled={item.disabled === true} onSelect={item.onSelect}>
          {content}
        </DropdownMenu.Item>
      ) : (
        <DropdownMenu.CheckboxItem className={className} checked={item.checked} onSelect={item.onSelect}>
          <span className="menu-gap">
            <DropdownMenu.ItemIndicator>✓</DropdownMenu.ItemIndicator>
          </span>
          {item.label}
        </DropdownMenu.CheckboxItem>
      )}
    </>
  );
}
