import { Tag, X } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'react-router';
import type { ImageDetail } from '../../../src-main/contract/image.ts';
import { useContainers } from '../../client/objects.ts';
import { formatBytes } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { type Fact, Facts, Section } from '../../ui/facts.tsx';
import { StateLabel } from '../../ui/state-label.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { removeImages } from './queries.ts';
import { TagDialog } from './tag-dialog.tsx';

export function ImageOverview({ image }: { readonly image: ImageDetail }) {
  return (
    <div className="sections">
      <div className="section-columns">
        <General image={image} />
        <div className="section-stack">
          <Names image={image} />
          <Containers image={image} />
        </div>
      </div>
      <Configuration image={image} />
    </div>
  );
}

function Copied({ value, what }: { readonly value: string; readonly what: string }) {
  if (value === '') return <span className="muted">–</span>;
  return (
    <span className="with-copy">
      <code>{value}</code>
      <CopyButton value={value} what={what} />
    </span>
  );
}

function General({ image }: { readonly image: ImageDetail }) {
  const { t } = useText();
  const own = image.layers.filter(({ images }) => images <= 1).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const facts: Fact[] = [
    { label: t('common.id'), value: <Copied value={image.id} what={t('common.id')} /> },
    { label: t('image.digest'), value: <Copied value={image.digest ?? ''} what={t('image.digest')} /> },
    { label: t('image.platform'), value: [image.os, image.architecture, image.variant].filter((part) => part !== '').join('/') },
    { label: t('images.columnCreated'), value: <RelativeTime atMs={image.createdAt} /> },
    {
      label: t('images.columnSize'),
      value: t('image.sizes', {
        size: formatBytes(image.sizeBytes),
        own: formatBytes(own),
        shared: formatBytes(Math.max(0, image.sizeBytes - own)),
      }),
    },
    { label: t('image.format'), value: image.mediaType === '' ? <span className="muted">–</span> : <code>{image.mediaType}</code> },
    ...(image.author === '' ? [] : [{ label: t('image.author'), value: image.author }]),
    ...(image.comment === '' ? [] : [{ label: t('image.comment'), value: image.comment }]),
  ];
  return (
    <Section title={t('detail.general')}>
      <Facts facts={facts} />
    </Section>
  );
}

function Names({ image }: { readonly image: ImageDetail }) {
  const { t } = useText();
  const [tagging, setTagging] = useState(false);
  return (
    <Section
      title={t('image.names')}
      actions={
        <Button
          icon={Tag}
          onClick={() => {
            setTagging(true);
          }}
        >
          {t('image.tag')}
        </Button>
      }
    >
      {image.names.length === 0 ? <p className="muted">{t('image.noNames')}</p> : null}
      <ul className="name-list">
        {image.names.map((name) => (
          <li key={name}>
            <code>{name}</code>
            <CopyButton value={name} what={t('common.name')} />
            <IconButton
              icon={X}
              label={t('image.untag', { name })}
              // With its last name it would go itself: that is a removal, and has its own button.
              disabled={image.names.length === 1}
              onClick={() => void removeImages([{ id: image.id, names: [name] }])}
            />
          </li>
        ))}
      </ul>
      {tagging ? (
        <TagDialog
          image={image}
          onClose={() => {
            setTagging(false);
          }}
        />
      ) : null}
    </Section>
  );
}

function Containers({ image }: { readonly image: ImageDetail }) {
  const { t } = useText();
  const { byId } = useContainers().value;
  const made = [...byId.values()].filter(({ imageId }) => imageId === image.id);
  return (
    <Section title={t('image.containers')}>
      {made.length === 0 ? <p className="muted">{t('image.noContainers')}</p> : null}
      <ul className="name-list">
        {made.map((container) => (
          <li key={container.id}>
            <Link to={`/containers/${container.id}`}>{container.name}</Link>
            <StateLabel state={container.state} exitCode={container.exitCode} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Configuration({ image }: { readonly image: ImageDetail }) {
  const { t } = useText();
  const { config } = image;
  const words = (list: readonly string[]) => (list.length === 0 ? <span className="muted">–</span> : <code>{list.join(' ')}</code>);
  const lines = (list: readonly string[]) =>
    list.length === 0 ? (
      <span className="muted">–</span>
    ) : (
      <ul className="plain-lines">
        {list.map((line) => (
          <li key={line}>
            <code>{line}</code>
          </li>
        ))}
      </ul>
    );
  const text = (value: string) => (value === '' ? <span className="muted">–</span> : <code>{value}</code>);
  return (
    <Section title={t('image.configuration')}>
      <Facts
        facts={[
          { label: t('detail.entrypoint'), value: words(config.entrypoint) },
          { label: t('detail.command'), value: words(config.command) },
          { label: t('detail.user'), value: text(config.user) },
          { label: t('detail.workingDirectory'), value: text(config.workingDirectory) },
          { label: t('detail.ports'), value: words(config.exposedPorts) },
          { label: t('app.volumes'), value: words(config.volumes) },
          { label: t('image.stopSignal'), value: text(config.stopSignal) },
          { label: t('detail.environment'), value: lines(config.environment) },
          { label: t('detail.labels'), value: lines(Object.entries(config.labels).map(([key, value]) => `${key}=${value}`)) },
        ]}
      />
    </Section>
  );
}
