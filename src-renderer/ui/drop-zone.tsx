import { type DragEvent, type ReactNode, useState } from 'react';

interface DropZoneProps {
  /** Shown while a file is over it: what letting go does. */
  readonly label: string;
  readonly onFile: (file: File) => void;
  readonly className?: string;
  readonly children: ReactNode;
}

const carriesFiles = (event: DragEvent) => event.dataTransfer.types.includes('Files');

/** Takes a file that is dropped anywhere on it. By keyboard the same is done by a button, which its owner has. */
export function DropZone({ label, onFile, className = '', children }: DropZoneProps) {
  const [over, setOver] = useState(false);
  return (
    <div
      className={`drop-zone ${className}`}
      onDragOver={(event) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = 'copy';
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!(event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget))) setOver(false);
      }}
      onDrop={(event) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        setOver(false);
        const [file] = event.dataTransfer.files;
        if (file) onFile(file);
      }}
    >
      {children}
      {over ? <div className="drop-over">{label}</div> : null}
    </div>
  );
}
