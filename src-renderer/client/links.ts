/** Opens a page on a published port: by the desktop in Electron, as a new tab on the web. */
import { desktop } from './connection.ts';
import { isInWindow } from './transport.ts';

export function openPage(url: string): Promise<unknown> {
  if (isInWindow()) return desktop().desktop.openExternal({ url });
  window.open(url, '_blank', 'noopener,noreferrer');
  return Promise.resolve();
}

/**
 * Where a published port is reached from here; empty for what a browser cannot open. Never by the name that this page has:
 * cookies are not kept apart by port, so that the container would be sent the session of the interface.
 */
export function urlOfPort(port: {
  readonly hostIp: string;
  readonly hostPort?: number | undefined;
  readonly containerPort: number;
  readonly protocol: string;
}): string {
  if (port.protocol !== 'tcp' || port.hostPort === undefined) return '';
  const wildcard = port.hostIp === '' || port.hostIp === '0.0.0.0' || port.hostIp === '::';
  const here = location.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
  const host = wildcard ? here : port.hostIp.includes(':') ? `[${port.hostIp}]` : port.hostIp;
  const secure = port.containerPort === 443 || port.containerPort === 8443;
  return `${secure ? 'https' : 'http'}://${host}:${port.hostPort}/`;
}
