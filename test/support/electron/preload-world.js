/**
 * Runs in the isolated world of every frame, before the page: `ipcRenderer` for the preload, and the page's ends of the ports.
 * MessagePack (`msgpackr`) and the binding `toMain` are there already; the preload follows in the same scope.
 */
const packr = new globalThis.msgpackr.Packr({ structuredClone: true });
const send = (message) => globalThis.toMain(packr.pack(message).toBase64());
const listeners = new Map();
const ports = new Map();

function openPort(id) {
  const { port1, port2 } = new MessageChannel();
  ports.set(id, port1);
  port1.onmessage = (event) => send({ kind: 'port', id, data: event.data });
  port1.addEventListener('close', () => {
    ports.delete(id);
    send({ kind: 'closed', id });
  });
  return port2;
}

globalThis.fromMain = (text) => {
  const message = packr.unpack(Uint8Array.fromBase64(text));
  if (message.kind === 'port') ports.get(message.id)?.postMessage(message.data);
  else if (message.kind === 'close') ports.get(message.id)?.close();
  else {
    const event = { ports: message.ports.map(openPort), sender: ipcRenderer };
    for (const listener of listeners.get(message.channel) ?? []) listener(event, ...message.args);
  }
};

const ipcRenderer = {
  on(channel, listener) {
    listeners.set(channel, [...(listeners.get(channel) ?? []), listener]);
    return ipcRenderer;
  },
  send(channel, ...args) {
    send({ kind: 'send', channel, args });
  },
};

// Functions cannot be handed to the page's world from here: there no file has a path, and all are sent.
const contextBridge = { exposeInMainWorld() {} };
const webUtils = { getPathForFile: () => '' };

const module = { exports: {} };
const require = (name) => {
  if (name === 'electron') return { ipcRenderer, contextBridge, webUtils };
  throw new Error(`module not found: ${name}`);
};
