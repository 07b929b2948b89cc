import type { Activity } from '../client/activity.ts';
import { type LayerProgress, secondsLeft } from '../client/transfer.ts';
import { formatBytes, formatDuration } from '../text/format.ts';
import { useText } from '../text/text.ts';
import { Refusal } from './refusal.tsx';
import { ProgressBar } from '../ui/progress-bar.tsx';

const failed = {
  pull: 'pull.failed',
  create: 'pull.failed',
  push: 'push.failed',
  save: 'archive.saveFailed',
  load: 'archive.loadFailed',
  commit: 'commit.failed',
  export: 'export.failed',
  import: 'archive.importFailed',
} as const;

/** What a push does with a layer has words of its own. */
function layerText(kind: Activity['kind'], state: LayerProgress['state']) {
  if (kind === 'push' && state === 'present') return 'push.present';
  return kind === 'push' && state === 'copying' ? 'push.sending' : (`pull.layer.${state}` as const);
}

/** While there are no layers to tell of. */
function Before({ activity: { kind, transfer } }: { readonly activity: Activity }) {
  const { t } = useText();
  if (transfer.doneBytes === 0) return t(kind === 'pull' ? 'pull.resolving' : 'activity.beginning');
  const written = t('activity.written', { bytes: formatBytes(transfer.doneBytes) });
  return transfer.bytesPerSecond === undefined
    ? written
    : `${written} · ${t('pull.speed', { speed: formatBytes(transfer.bytesPerSecond) })}`;
}

/** All of a transfer, then each of its layers; the lines keep their places. */
export function TransferProgress({ activity }: { readonly activity: Activity }) {
  const { t, language } = useText();
  const { transfer } = activity;
  const left = secondsLeft(transfer);
  const running = activity.state === 'running';
  return (
    <div className="stack">
      {activity.error ? (
        <Refusal
          title={t(failed[activity.kind], { name: activity.subject })}
          error={activity.error}
          reference={transfer.source || activity.subject}
        />
      ) : null}
      {transfer.source === '' ? null : <p className="muted">{t('pull.from', { source: transfer.source })}</p>}
      {running && transfer.passage ? (
        <p className="muted" role="status">
          {t(`activity.passing.${transfer.passage.direction}`)}
        </p>
      ) : null}
      {running && transfer.layers.length === 0 && transfer.totalBytes === 0 ? (
        <p className="muted numbers" role="status">
          <Before activity={activity} />
        </p>
      ) : null}
      {transfer.totalBytes > 0 || transfer.layers.length > 0 ? (
        <>
          <ProgressBar
            label={t('pull.progress', { name: activity.subject })}
            value={activity.state === 'done' ? 1 : transfer.doneBytes}
            total={activity.state === 'done' ? 1 : transfer.totalBytes}
          />
          <p className="muted numbers pull-total">
            <span>{t('pull.ofTotal', { done: formatBytes(transfer.doneBytes), total: formatBytes(transfer.totalBytes) })}</span>
            <span>
              {running && transfer.bytesPerSecond !== undefined ? t('pull.speed', { speed: formatBytes(transfer.bytesPerSecond) }) : ''}
            </span>
            <span>
              {running && left !== undefined ? t('pull.left', { duration: formatDuration(Math.max(1, left) * 1000, language) }) : ''}
            </span>
          </p>
        </>
      ) : null}
      {transfer.layers.length > 0 ? (
        <table className="plain-table layer-table">
          <caption className="visually-hidden">{t('pull.layers')}</caption>
          <tbody>
            {transfer.layers.map((layer) => (
              <tr key={layer.digest}>
                <th scope="row">
                  <code>{layer.digest.replace('sha256:', '').slice(0, 12)}</code>
                </th>
                <td>
                  {t(layerText(activity.kind, layer.state))}
                  {layer.message === undefined ? null : <span className="warning-text"> {layer.message}</span>}
                </td>
                <td className="layer-bar">
                  <ProgressBar
                    label={layer.digest.slice(7, 19)}
                    value={layer.state === 'done' || layer.state === 'present' ? 1 : layer.doneBytes}
                    total={layer.state === 'done' || layer.state === 'present' ? 1 : layer.totalBytes}
                  />
                </td>
                <td className="numbers cell-end">{layer.totalBytes > 0 ? formatBytes(layer.totalBytes) : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      {transfer.warnings.map((warning) => (
        <p key={warning} className="warning-text" lang="en">
          {warning}
        </p>
      ))}
    </div>
  );
}
