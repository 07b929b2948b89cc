/**
 * Hands two ports to the page and nothing else: no API object, no Node. The page gets them as a window message with no data but
 * its name; from then on preload has no part in the conversation.
 */
import { ipcRenderer } from 'electron';
import { connectMessage, portMessage } from './messages.ts';

ipcRenderer.on(portMessage, (event) => {
  window.postMessage({ type: portMessage }, window.location.origin, [...event.ports]);
});

window.addEventListener('message', (event) => {
  // The page asks when it is ready, and again when it wants to reconnect.
  if (event.source === window && (event.data as { type?: unknown } | null)?.type === connectMessage) ipcRenderer.send(connectMessage);
});
