import type { LucideIcon } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import type { ReactNode } from 'react';

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

export function Menu({
  trigger,
  items,
  label,
}: {
  readonly trigger: ReactNode;
  readonly items: readonly MenuItem[];
  readonly label: string;
}) {
  return (
    <DropdownMenu.Root modal={false}>
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
