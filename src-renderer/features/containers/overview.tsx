import { useMemo, useState } from 'react';
import { Link } from 'react-router';
import type { ContainerDetail } from '../../../src-main/contract/container.ts';
import { statsOfContainer } from '../../client/stats.ts';
import { useSelected } from '../../client/store.ts';
import { formatBytes, formatCount, formatPercent } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { type Fact, Facts, Section } from '../../ui/facts.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { PortLink } from './ports-cell.tsx';
import { networkText } from './verbs.ts';
import { WhyCard } from './why-card.tsx';

export function Overview({ container }: { readonly container: ContainerDetail }) {
  return (
    <div className="sections">
      <WhyCard container={container} />
      <div className="section-columns">
        <General container={container} />
        <div className="section-stack">
          {container.state === 'running' ? <Usage id={container.id} /> : null}
          <Limits container={container} />
          <Ports container={container} />
          <Networks container={container} />
        </div>
      </div>
      <Mounts container={container} />
      <Environment container={container} />
      <Labels container={container} />
    </div>
  );
}

function Copied({ value, what, mono = true }: { readonly value: string; readonly what: string; readonly mono?: boolean }) {
  if (value === '') return <span className="muted">–</span>;
  return (
    <span className="with-copy">
      {mono ? <code>{value}</code> : <span>{value}</span>}
      <CopyButton value={value} what={what} />
    </span>
  );
}

const restartTexts = {
  no: 'run.restartNo',
  'on-failure': 'run.restartOnFailure',
  always: 'run.restartAlways',
  'unless-stopped': 'run.restartUnlessStopped',
} as const;

function General({ container }: { readonly container: ContainerDetail }) {
  const { t } = useText();
  const { config } = container;
  const facts: Fact[] = [
    {
      label: t('detail.image'),
      value: (
        <span className="with-copy">
          <Link to={`/run?image=${encodeURIComponent(container.imageName)}`} title={t('palette.run', { name: container.imageName })}>
            {container.imageName}
          </Link>
          <CopyButton value={container.imageName} what={t('detail.image')} />
        </span>
      ),
    },
    {
      label: t('detail.command'),
      value: <Copied value={[container.process.path, ...container.process.arguments].join(' ')} what={t('detail.command')} />,
    },
    { label: t('detail.created'), value: <RelativeTime atMs={container.createdAt} /> },
    { label: t('detail.started'), value: <RelativeTime atMs={container.startedAt} /> },
    ...(container.state === 'running' ? [] : [{ label: t('detail.finished'), value: <RelativeTime atMs={container.finishedAt} /> }]),
    { label: t('detail.restartPolicy'), value: t(restartTexts[container.restartPolicy]) },
    { label: t('detail.hostname'), value: <Copied value={config.hostname} what={t('detail.hostname')} /> },
    { label: t('detail.user'), value: config.user === '' ? 'root' : config.user },
    { label: t('detail.workingDirectory'), value: <code>{config.workingDirectory}</code> },
    ...(container.pid > 0 ? [{ label: t('detail.pid'), value: container.pid }] : []),
    { label: t('detail.autoRemove'), value: t(container.removeOnExit ? 'common.yes' : 'common.no') },
  ];
  return (
    <Section title={t('detail.general')}>
      <Facts facts={facts} />
    </Section>
  );
}

function Limits({ container }: { readonly container: ContainerDetail }) {
  const { t, language } = useText();
  const { resources, pidsLimit } = container.host;
  const cpus =
    resources.cpus ??
    (resources.cpuQuotaUs !== undefined && resources.cpuQuotaUs > 0
      ? resources.cpuQuotaUs / (resources.cpuPeriodUs ?? 100_000)
      : undefined);
  const none = <span className="muted">{t('detail.unlimited')}</span>;
  return (
    <Section title={t('run.limits')}>
      <Facts
        facts={[
          {
            label: t('detail.memoryLimit'),
            value: resources.memoryBytes === undefined || resources.memoryBytes === 0 ? none : formatBytes(resources.memoryBytes),
          },
          { label: t('detail.cpuLimit'), value: cpus ?? none },
          {
            label: t('detail.pidsLimit'),
            value:
              pidsLimit <= 0 ? (
                none
              ) : resources.pidsLimit === undefined ? (
                <>
                  {formatCount(pidsLimit, language)} <span className="muted">{t('detail.byDefault')}</span>
                </>
              ) : (
                formatCount(pidsLimit, language)
              ),
          },
        ]}
      />
    </Section>
  );
}

function Usage({ id }: { readonly id: string }) {
  const { t } = useText();
  const store = useMemo(() => statsOfContainer(id), [id]);
  const stats = useSelected(store, (live) => live.value.get(id));
  const text = (value: (known: NonNullable<typeof stats>) => string) => (stats ? value(stats) : <span className="muted">–</span>);
  return (
    <Section title={t('detail.usage')}>
      <Facts
        facts={[
          { label: t('detail.cpu'), value: text((now) => formatPercent(now.cpuPercent)) },
          {
            label: t('detail.memory'),
            value: text((now) => t('detail.memoryOf', { used: formatBytes(now.memoryBytes), limit: formatBytes(now.memoryLimitBytes) })),
          },
          { label: t('detail.processes'), value: text((now) => String(now.pids)) },
          {
            label: t('detail.networkIo'),
            value: text((now) => `${formatBytes(now.networkReceivedBytes)} / ${formatBytes(now.networkSentBytes)}`),
          },
          {
            label: t('detail.blockIo'),
            value: text((now) => `${formatBytes(now.blockReadBytes)} / ${formatBytes(now.blockWrittenBytes)}`),
          },
        ]}
      />
    </Section>
  );
}

function Ports({ container }: { readonly container: ContainerDetail }) {
  const { t } = useText();
  return (
    <Section title={t('detail.ports')}>
      {container.ports.length === 0 ? (
        <p className="muted">{t('detail.noPorts')}</p>
      ) : (
        <ul className="plain-list">
          {container.ports.map((port) => (
            <li key={`${port.hostIp}:${port.hostPort ?? ''}:${port.containerPort}/${port.protocol}`}>
              <PortLink port={port} live={container.state === 'running'} />
              <span className="muted">{port.hostIp === '' ? '0.0.0.0' : port.hostIp}</span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Networks({ container }: { readonly container: ContainerDetail }) {
  const { t } = useText();
  const { networks } = container.networkSettings;
  return (
    <Section title={t('detail.networks')}>
      {networks.length === 0 ? (
        <p className="muted">{t(networkText(container), { mode: container.networkMode })}</p>
      ) : (
        networks.map((network) => (
          <Facts
            key={network.name}
            facts={[
              { label: t('common.name'), value: network.name },
              {
                label: t('detail.networkAddress'),
                value: (
                  <Copied value={[network.ipAddress, network.ipv6Address].filter(Boolean).join(', ')} what={t('detail.networkAddress')} />
                ),
              },
              { label: t('detail.networkGateway'), value: network.gateway || '–' },
              { label: t('detail.networkMac'), value: <code>{network.macAddress}</code> },
            ]}
          />
        ))
      )}
    </Section>
  );
}

function Mounts({ container }: { readonly container: ContainerDetail }) {
  const { t } = useText();
  if (container.mountPoints.length === 0) {
    return (
      <Section title={t('detail.mounts')}>
        <p className="muted">{t('detail.noMounts')}</p>
      </Section>
    );
  }
  return (
    <Section title={t('detail.mounts')}>
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">{t('detail.mountType')}</th>
            <th scope="col">{t('detail.mountSource')}</th>
            <th scope="col">{t('detail.mountTarget')}</th>
            <th scope="col">{t('detail.mountMode')}</th>
          </tr>
        </thead>
        <tbody>
          {container.mountPoints.map((mount) => (
            <tr key={mount.target}>
              <td>{mount.type}</td>
              <td>
                <Copied value={mount.volumeName === '' ? mount.hostPath : mount.volumeName} what={t('detail.mountSource')} />
              </td>
              <td>
                <Copied value={mount.target} what={t('detail.mountTarget')} />
              </td>
              <td>{t(mount.readOnly ? 'detail.readOnly' : 'detail.readWrite')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

/** Values may be secrets: names are shown at once, values when they are asked for. */
function Environment({ container }: { readonly container: ContainerDetail }) {
  const { t } = useText();
  const [shown, setShown] = useState(false);
  const { environment } = container.config;
  return (
    <Section
      title={t('detail.environment')}
      actions={
        environment.length === 0 ? null : (
          <Button
            variant="quiet"
            aria-pressed={shown}
            onClick={() => {
              setShown(!shown);
            }}
          >
            {t(shown ? 'detail.hideValues' : 'detail.showValues')}
          </Button>
        )
      }
    >
      {environment.length === 0 ? (
        <p className="muted">{t('detail.noEnvironment')}</p>
      ) : (
        <Facts
          facts={environment.map((entry) => {
            const [name = ''] = entry.split('=', 1);
            return {
              label: name,
              value: shown ? <Copied value={entry.slice(name.length + 1)} what={name} /> : <span className="muted">••••••</span>,
            };
          })}
        />
      )}
    </Section>
  );
}

function Labels({ container }: { readonly container: ContainerDetail }) {
  const { t } = useText();
  const labels = Object.entries(container.labels);
  return (
    <Section title={t('detail.labels')}>
      {labels.length === 0 ? (
        <p className="muted">{t('detail.noLabels')}</p>
      ) : (
        <Facts facts={labels.map(([label, value]) => ({ label, value: <Copied value={value} what={label} /> }))} />
      )}
    </Section>
  );
}
