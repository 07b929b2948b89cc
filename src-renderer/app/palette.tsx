import { Command } from 'cmdk';
import { Dialog } from 'radix-ui';
import { useMemo, useState } from 'react';
import { useNavigate } from 'react-router';
import { useContainers, useImages } from '../client/objects.ts';
import { perform } from '../features/containers/queries.ts';
import { useText } from '../text/text.ts';
import { type PaletteEntry, paletteEntries, pullEntry, search } from './palette-entries.ts';

interface PaletteProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

export function Palette({ open, onOpenChange }: PaletteProps) {
  const { t } = useText();
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="palette" aria-describedby={undefined}>
          <Dialog.Title className="visually-hidden">{t('palette.title')}</Dialog.Title>
          <Commands
            onDone={() => {
              onOpenChange(false);
            }}
          />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Commands({ onDone }: { readonly onDone: () => void }) {
  const { t } = useText();
  const navigate = useNavigate();
  const containers = useContainers();
  const images = useImages();
  const [typed, setTyped] = useState('');
  const entries = useMemo(
    () =>
      paletteEntries({
        t,
        containers: [...containers.value.byId.values()],
        images: images.value,
        navigate: (path) => void navigate(path),
        perform,
      }),
    [t, containers, images, navigate],
  );
  const groups = useMemo(() => {
    const pull = pullEntry(typed, { t, navigate: (path) => void navigate(path) });
    return search(pull ? [...entries, pull] : entries, typed, t);
  }, [entries, typed, t, navigate]);
  const run = (entry: PaletteEntry) => {
    onDone();
    entry.run();
  };
  return (
    <Command label={t('palette.title')} shouldFilter={false} loop>
      <Command.Input value={typed} onValueChange={setTyped} placeholder={t('palette.placeholder')} aria-label={t('palette.title')} />
      <Command.List label={t('palette.title')}>
        <Command.Empty>{t('palette.nothing')}</Command.Empty>
        {groups.map((group) => (
          <Command.Group key={group.id} heading={group.title}>
            {group.entries.map((entry) => (
              <Command.Item
                key={entry.id}
                value={entry.id}
                onSelect={() => {
                  run(entry);
                }}
              >
                <entry.icon size={15} aria-hidden />
                <span className="clip">{entry.label}</span>
                {entry.note === undefined ? null : <span className="muted">{entry.note}</span>}
              </Command.Item>
            ))}
          </Command.Group>
        ))}
      </Command.List>
    </Command>
  );
}
