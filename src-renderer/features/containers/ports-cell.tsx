import { ExternalLink } from 'lucide-react';
import type { PortMapping } from '../../../src-main/contract/container-spec.ts';
import { openPage, urlOfPort } from '../../client/links.ts';
import { notifyFailure } from '../../client/notices.ts';
import { useText } from '../../text/text.ts';
import { useRowTabIndex } from '../../ui/row-focus.ts';

export function portText(port: PortMapping): string {
  const many = port.range > 1;
  const host = port.hostPort === undefined ? '' : `${port.hostPort}${many ? `-${port.hostPort + port.range - 1}` : ''}→`;
  const inside = `${port.containerPort}${many ? `-${port.containerPort + port.range - 1}` : ''}`;
  return `${host}${inside}${port.protocol === 'tcp' ? '' : `/${port.protocol}`}`;
}

export function PortLink({ port, live, icon = true }: { readonly port: PortMapping; readonly live: boolean; readonly icon?: boolean }) {
  const { t } = useText();
  const tabIndex = useRowTabIndex();
  const url = live ? urlOfPort(port) : '';
  if (url === '') return <span className="port">{portText(port)}</span>;
  return (
    <a
      className="port"
      href={url}
      target="_blank"
      rel="noreferrer"
      tabIndex={tabIndex}
      title={`${url} – ${t('common.opensInBrowser')}`}
      aria-label={t('containers.openPort', { port: portText(port) })}
      onClick={(event) => {
        event.preventDefault();
        event.stopPropagation();
        openPage(url).catch((error: unknown) => {
          notifyFailure(url, error);
        });
      }}
    >
      {portText(port)}
      {icon ? <ExternalLink size={12} aria-hidden /> : null}
    </a>
  );
}

export function PortsCell({ ports, live }: { readonly ports: readonly PortMapping[]; readonly live: boolean }) {
  const shown = ports.slice(0, 2);
  return (
    <span className="ports" title={ports.map(portText).join(', ')}>
      {shown.map((port) => (
        <PortLink
          key={`${port.hostIp}:${port.hostPort ?? ''}:${port.containerPort}/${port.protocol}`}
          port={port}
          live={live}
          icon={false}
        />
      ))}
      {ports.length > shown.length ? <span className="muted">+{ports.length - shown.length}</span> : null}
    </span>
  );
}
