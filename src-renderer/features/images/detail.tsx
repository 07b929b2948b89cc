import { FileDown, ImageOff, Play, Trash2, Upload } from 'lucide-react';
import { useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { isEngineError } from '../../../src-main/base/errors.ts';
import type { ImageDetail } from '../../../src-main/contract/image.ts';
import { toEngineError } from '../../client/notices.ts';
import { formatBytes } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { DetailPage } from '../../ui/detail-page.tsx';
import { JsonView } from '../../ui/json-view.tsx';
import { Failed } from '../../ui/list-states.tsx';
import { FullState, Loading } from '../../ui/page.tsx';
import { toRows } from './columns.tsx';
import { ImageLayers } from './layers.tsx';
import { ImageOverview } from './overview.tsx';
import { PushDialog } from './push-dialog.tsx';
import { useImage } from './queries.ts';
import { SaveDialog } from './save-dialog.tsx';
import { ImageRemovalDialog } from './removal-dialog.tsx';
import { shownName } from './names.ts';

const tabs = ['overview', 'layers', 'inspect'] as const;
type Tab = (typeof tabs)[number];

export function ImageDetailPage() {
  const { t } = useText();
  const { id = '', tab } = useParams();
  const { query, removed } = useImage(id);
  if (removed || isEngineError(query.error, 'not-found')) {
    return (
      <FullState alone icon={ImageOff} title={t('image.gone')} hint={t('image.goneHint')}>
        <Link className="button button-primary" to="/images">
          {t('image.toList')}
        </Link>
        <Link className="button button-normal" to="/disk?view=trash">
          {t('disk.toTrash')}
        </Link>
      </FullState>
    );
  }
  if (query.isPending) return <Loading />;
  if (!query.data) {
    return <Failed alone title={t('image.failed')} error={toEngineError(query.error)} onRetry={() => void query.refetch()} />;
  }
  return <Detail key={id} image={query.data} tab={tabs.find((name) => name === tab) ?? 'overview'} />;
}

function Detail({ image, tab }: { readonly image: ImageDetail; readonly tab: Tab }) {
  const { t } = useText();
  return (
    <DetailPage
      title={shownName(image)}
      objectId={image.id}
      subtitle={<span>{formatBytes(image.sizeBytes)}</span>}
      actions={<Actions image={image} />}
      path={`/images/${image.id}`}
      tabsLabel={t('image.tabs')}
      tab={tab}
      tabs={[
        { id: 'overview', label: t('image.overview'), content: <ImageOverview image={image} />, scrolls: true },
        { id: 'layers', label: t('image.layers'), content: <ImageLayers image={image} />, scrolls: true },
        { id: 'inspect', label: t('image.inspect'), content: <JsonView value={image} label={t('inspect.label')} /> },
      ]}
    />
  );
}

function Actions({ image }: { readonly image: ImageDetail }) {
  const { t } = useText();
  const navigate = useNavigate();
  const [pushing, setPushing] = useState(false);
  const [saving, setSaving] = useState(false);
  const [removing, setRemoving] = useState(false);
  const reference = image.names[0] ?? image.id;
  return (
    <>
      <Button icon={Play} variant="primary" onClick={() => void navigate(`/run?image=${encodeURIComponent(reference)}`)}>
        {t('images.run')}
      </Button>
      <Button
        icon={Upload}
        onClick={() => {
          setPushing(true);
        }}
      >
        {t('image.push')}
      </Button>
      <Button
        icon={FileDown}
        onClick={() => {
          setSaving(true);
        }}
      >
        {t('archive.saveDots')}
      </Button>
      <Button
        icon={Trash2}
        variant="danger"
        onClick={() => {
          setRemoving(true);
        }}
      >
        {t('images.remove')}
      </Button>
      {pushing ? (
        <PushDialog
          image={image}
          onClose={() => {
            setPushing(false);
          }}
        />
      ) : null}
      {saving ? (
        <SaveDialog
          images={[reference]}
          names={image.names.slice(1)}
          onClose={() => {
            setSaving(false);
          }}
        />
      ) : null}
      {removing ? (
        <ImageRemovalDialog
          rows={toRows([image])}
          onClose={() => {
            setRemoving(false);
          }}
        />
      ) : null}
    </>
  );
}
