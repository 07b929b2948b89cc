/**
 * A stand-in for the module `electron`, so that the desktop host's main process, its preload and its messages are executed where
 * Electron's binary cannot be had. Windows are pages of a real Chromium, driven through its debugging protocol.
 *
 * What is as in Electron: the preload runs in an isolated world with `ipcRenderer` alone; messages and ports are copied by structured
 * clone and die with their page; pages of a scheme of the application's own come from its handler and nowhere else; navigations, new
 * windows and permissions are asked of the application; a port tells when its other end is gone. What is not: `contextBridge` exposes nothing, a page sees its scheme as `https:`, `window.open` answers an
 * object that is closed at once, the preload runs in frames too (which is harsher), the processes are not sandboxed, there are no
 * native windows and menus. It has what the desktop host uses, and nothing else: anything more fails by name.
 */
export { app } from './app.ts';
export { BrowserWindow } from './browser-window.ts';
export { ipcMain } from './ipc-main.ts';
export { Menu } from './menu.ts';
export { MessageChannelMain } from './message-channel.ts';
export { net, protocol } from './protocol.ts';
export { shell } from './shell.ts';
