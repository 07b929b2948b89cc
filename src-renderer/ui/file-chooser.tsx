import { File as FileIcon, FolderOpen, X } from 'lucide-react';
import { useRef } from 'react';
import { formatBytes } from '../text/format.ts';
import { useText } from '../text/text.ts';
import { Button, IconButton } from './button.tsx';
import { DropZone } from './drop-zone.tsx';

interface FileChooserProps {
  readonly file: File | undefined;
  readonly onFile: (file: File | undefined) => void;
}

/** A file of the person who sits here: chosen, or dropped on it. */
export function FileChooser({ file, onFile }: FileChooserProps) {
  const { t } = useText();
  const input = useRef<HTMLInputElement>(null);
  return (
    <DropZone label={t('file.dropHere')} onFile={onFile} className="file-chooser">
      <input
        ref={input}
        type="file"
        hidden
        onChange={(event) => {
          onFile(event.target.files?.[0]);
          // The same file can be chosen again.
          event.target.value = '';
        }}
      />
      {file ? (
        <p className="file-chosen" role="status">
          <FileIcon size={15} aria-hidden />
          <strong className="clip" title={file.name}>
            {file.name}
          </strong>
          <span className="muted numbers">{formatBytes(file.size)}</span>
          <IconButton
            icon={X}
            label={t('file.another')}
            onClick={() => {
              onFile(undefined);
            }}
          />
        </p>
      ) : (
        <>
          <Button icon={FolderOpen} onClick={() => input.current?.click()}>
            {t('file.choose')}
          </Button>
          <span className="muted">{t('file.orDrop')}</span>
        </>
      )}
    </DropZone>
  );
}
