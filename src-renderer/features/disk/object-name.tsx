import { shortId } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { FrontClipped } from '../../ui/front-clipped.tsx';

/** What a thing on the disk is called; an image without a name is told by its id. */
export function ObjectName({ name, object, all }: { readonly name: string; readonly object: string; readonly all?: string }) {
  const { t } = useText();
  if (name !== '') return <FrontClipped text={name} {...(all === undefined ? {} : { title: all })} />;
  return (
    <span className="clip muted" title={object}>
      {t('disk.nameless', { id: shortId(object) })}
    </span>
  );
}
