/** Page to main: "I am here, hand me my ports". */
export const connectMessage = 'selkie-connect';
/** Main to preload, and preload to page: carries the port of the engine and the port of the desktop. */
export const portMessage = 'selkie-port';
