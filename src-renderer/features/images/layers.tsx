import { Link } from 'react-router';
import type { ImageDetail, ImageTreeLayer } from '../../../src-main/contract/image.ts';
import { useImages } from '../../client/objects.ts';
import { formatBytes } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { Section } from '../../ui/facts.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { useDescendants } from './queries.ts';
import { stepsOf } from './steps.ts';

/** How it was made, the newest first, with what each step takes and whether others have it too; and what was made from it. */
export function ImageLayers({ image }: { readonly image: ImageDetail }) {
  const { t } = useText();
  const largest = Math.max(1, ...image.layers.map(({ sizeBytes }) => sizeBytes));
  return (
    <div className="sections">
      <Section title={t('image.history')}>
        <table className="plain-table history-table">
          <thead>
            <tr>
              <th scope="col">{t('image.step')}</th>
              <th scope="col">{t('images.columnCreated')}</th>
              <th scope="col">{t('image.layer')}</th>
              <th scope="col">{t('image.whose')}</th>
              <th scope="col" className="cell-end">
                {t('images.columnSize')}
              </th>
            </tr>
          </thead>
          <tbody>
            {stepsOf(image).map(({ key, createdBy, comment, createdAt, layer }) => (
              <tr key={key}>
                <th scope="row">
                  {createdBy === '' ? <span className="muted">{t('image.untold')}</span> : <code>{createdBy}</code>}
                  {comment === '' ? null : <span className="plan-note">{comment}</span>}
                </th>
                <td>{createdAt === undefined ? <span className="muted">–</span> : <RelativeTime atMs={createdAt} />}</td>
                <td>{layer ? <code>{layer.diffId.slice(7, 19)}</code> : <span className="muted">{t('image.noLayer')}</span>}</td>
                <td>
                  {layer === undefined ? null : layer.images > 1 ? t('image.sharedWith', { count: layer.images - 1 }) : t('image.ownLayer')}
                </td>
                <td className="cell-end">
                  {layer ? (
                    <span className="size-bar" style={{ backgroundSize: `${String((layer.sizeBytes / largest) * 100)}% 2px` }}>
                      {formatBytes(layer.sizeBytes)}
                    </span>
                  ) : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Section>
      <Descendants image={image} />
    </div>
  );
}

function Descendants({ image }: { readonly image: ImageDetail }) {
  const { t } = useText();
  const { data } = useDescendants(image.id);
  if (!data) return null;
  // The first is the image's own topmost layer.
  const upon = data.layers.flatMap(({ children }) => children);
  return (
    <Section title={t('image.upon')}>
      {upon.length === 0 ? <p className="muted">{t('image.nothingUpon')}</p> : <Tree layers={upon} />}
    </Section>
  );
}

function Tree({ layers }: { readonly layers: readonly ImageTreeLayer[] }) {
  const images = useImages().value;
  const idOf = (name: string) => images.find((image) => image.names.includes(name))?.id;
  return (
    <ul className="layer-tree">
      {layers.map(({ chainId, sizeBytes, topOf, children }) => (
        <li key={chainId}>
          <code>{chainId.replace(/^sha256:/, '').slice(0, 12)}</code> <span className="muted numbers">{formatBytes(sizeBytes)}</span>{' '}
          {topOf.map((name) => {
            const id = idOf(name);
            return id === undefined ? (
              <strong key={name}>{name}</strong>
            ) : (
              <Link key={name} to={`/images/${id}`}>
                {name}
              </Link>
            );
          })}
          {children.length > 0 ? <Tree layers={children} /> : null}
        </li>
      ))}
    </ul>
  );
}
