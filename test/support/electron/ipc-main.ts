import { EventEmitter } from 'node:events';

/** Messages of pages: `(event, ...args)` with `event.sender` and `event.senderFrame`. */
export const ipcMain = new EventEmitter();
