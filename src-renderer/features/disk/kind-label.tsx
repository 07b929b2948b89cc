import { Boxes, Database, Images } from 'lucide-react';
import type { TrashItem } from '../../../src-main/contract/trash.ts';
import { useText } from '../../text/text.ts';

const icons = { container: Boxes, image: Images, volume: Database } as const;

export function KindLabel({ kind }: { readonly kind: TrashItem['kind'] }) {
  const { t } = useText();
  const Icon = icons[kind];
  return (
    <span className="state">
      <Icon size={15} aria-hidden className="tone-quiet" />
      <span>{t(`trash.kind.${kind}`)}</span>
    </span>
  );
}
