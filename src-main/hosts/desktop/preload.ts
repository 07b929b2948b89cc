/**
 * Hands two ports to the page, and one function that tells where a file lies that a person has chosen: nothing else, no Node. The page gets the ports
 * as a window message with no data but its name; from then on preload has no part in the conversation.
 */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { connectMessage, portMessage } from './messages.ts';

ipcRenderer.on(portMessage, (event) => {
  window.postMessage({ type: portMessage }, window.location.origin, [...event.ports]);
});

// Empty for one that lies nowhere. A page cannot make up a file that has a path.
contextBridge.exposeInMainWorld('selkieFiles', { pathOf: (file: File) => webUtils.getPathForFile(file) });

window.addEventListener('message', (event) => {
  // The page asks when it is ready, and again when it wants to reconnect.
  if (event.source === window && (event.data as { type?: unknown } | null)?.type === connectMessage) ipcRenderer.send(connectMessage);
});
