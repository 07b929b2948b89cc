import { Sparkles } from 'lucide-react';
import { Link } from 'react-router';
import type { SystemInfo } from '../../../src-main/contract/system.ts';
import { toEngineError } from '../../client/notices.ts';
import { formatBytes } from '../../text/format.ts';
import { type Text, useText } from '../../text/text.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { ErrorBox } from '../../ui/error-box.tsx';
import { type Fact, Facts, Section } from '../../ui/facts.tsx';
import { Loading, Page } from '../../ui/page.tsx';
import { CheckLabel } from '../../ui/state-label.tsx';
import { HostCheck } from './host-check.tsx';
import { useCheck, useDiskUsage, useSystemInfo } from './queries.ts';

export function SystemPage() {
  const { t } = useText();
  return (
    <Page
      title={t('system.title')}
      actions={
        <Link className="button button-normal" to="/first-run">
          <Sparkles size={15} aria-hidden />
          <span>{t('app.firstRun')}</span>
        </Link>
      }
    >
      <div className="sections">
        <Section title={t('system.check')}>
          <HostCheck />
        </Section>
        <StoreHealth />
        <EngineFacts />
        <DiskUse />
      </div>
    </Page>
  );
}

function StoreHealth() {
  const { t } = useText();
  const { data } = useCheck();
  if (!data) return null;
  const problems = data.store;
  return (
    <Section title={t('system.store')}>
      <p className="check-summary">
        <CheckLabel status={problems.length === 0 ? 'ok' : 'degraded'} />
        <span>{problems.length === 0 ? t('system.storeOk') : t('system.storeProblems', { count: problems.length })}</span>
      </p>
      {problems.length === 0 ? null : (
        <ul className="check-lines">
          {problems.map((problem) => (
            <li key={`${problem.kind} ${problem.object}`} className="check-line check-degraded" lang="en">
              <code>{problem.object}</code>
              <div>{problem.message}</div>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function tool(entry: { readonly name: string; readonly version: string; readonly path: string }): string {
  return entry.path === '' ? '–' : `${entry.name} ${entry.version} (${entry.path})`;
}

function engineFacts(t: Text, info: SystemInfo): readonly Fact[] {
  const { host } = info;
  return [
    { label: t('system.version'), value: info.version },
    { label: t('system.mode'), value: info.rootless ? t('system.rootless') : t('system.rootful') },
    { label: t('system.kernel'), value: `${host.kernel} (${host.architecture})` },
    { label: t('system.distribution'), value: `${host.distribution.id} ${host.distribution.version}` },
    { label: t('system.cpus'), value: host.cpus },
    {
      label: t('system.memory'),
      value: t('system.memoryFree', { free: formatBytes(host.memoryFreeBytes), total: formatBytes(host.memoryTotalBytes) }),
    },
    { label: t('system.runtime'), value: tool(host.ociRuntime) },
    { label: t('system.monitor'), value: `conmon ${host.conmon.version} (${host.conmon.path})` },
    { label: t('system.network'), value: tool(host.networkBackend) },
    { label: t('system.rootlessNetwork'), value: tool(host.rootlessNetwork) },
    {
      label: t('system.cgroups'),
      value: `${host.cgroupVersion}, ${host.cgroupManager}${host.cgroupControllers.length > 0 ? ` (${host.cgroupControllers.join(', ')})` : ''}`,
    },
  ];
}

function EngineFacts() {
  const { t } = useText();
  const query = useSystemInfo();
  if (query.isPending) return <Loading />;
  if (query.isError)
    return <ErrorBox title={t('system.infoFailed')} error={toEngineError(query.error)} onRetry={() => void query.refetch()} />;
  const { store } = query.data;
  return (
    <>
      <Section title={t('system.engine')}>
        <Facts facts={engineFacts(t, query.data)} />
      </Section>
      <Section title={t('system.storage')}>
        <Facts
          facts={[
            { label: t('system.driver'), value: `${store.driver} – ${store.driverReason}` },
            {
              label: t('system.graphRoot'),
              value: (
                <span className="with-copy">
                  <code>{store.graphRoot}</code>
                  <CopyButton value={store.graphRoot} what={t('volumes.columnPath')} />
                </span>
              ),
            },
            {
              label: t('system.usage'),
              value: t('system.diskFree', { used: formatBytes(store.graphRootBytes), free: formatBytes(store.graphRootFreeBytes) }),
            },
          ]}
        />
      </Section>
    </>
  );
}

function DiskUse() {
  const { t } = useText();
  const query = useDiskUsage();
  if (query.isPending) return <Loading />;
  if (query.isError)
    return <ErrorBox title={t('system.usageFailed')} error={toEngineError(query.error)} onRetry={() => void query.refetch()} />;
  const sum = (items: readonly { readonly sizeBytes: number }[]) => items.reduce((total, item) => total + item.sizeBytes, 0);
  const { images, containers, volumes, imageBytes } = query.data;
  return (
    <Section title={t('system.usage')} actions={<Link to="/disk">{t('system.toDisk')}</Link>}>
      <Facts
        facts={[
          { label: t('system.usageImages'), value: `${formatBytes(imageBytes)} (${images.length})` },
          { label: t('system.usageContainers'), value: `${formatBytes(sum(containers))} (${containers.length})` },
          { label: t('system.usageVolumes'), value: `${formatBytes(sum(volumes))} (${volumes.length})` },
        ]}
      />
    </Section>
  );
}
