import type { ContainerSummary } from '../../../src-main/contract/container.ts';
import { CommitDialog } from './commit-dialog.tsx';
import { ExportDialog } from './export-dialog.tsx';

export type ContainerDialogKind = 'commit' | 'export';

interface ContainerDialogProps {
  readonly kind: ContainerDialogKind;
  readonly container: ContainerSummary;
  readonly onClose: () => void;
}

export function ContainerDialog({ kind, container, onClose }: ContainerDialogProps) {
  return kind === 'commit' ? (
    <CommitDialog container={container} onClose={onClose} />
  ) : (
    <ExportDialog container={container} onClose={onClose} />
  );
}
