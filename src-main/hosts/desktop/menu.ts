import { Menu } from 'electron';

/** The least that a desktop expects: editing and zoom by their usual keys, and leaving. The application's own actions are in its palette. */
export function setMenu(): void {
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      { role: 'fileMenu' },
      { role: 'editMenu' },
      {
        role: 'viewMenu',
        submenu: [
          { role: 'resetZoom' },
          { role: 'zoomIn' },
          { role: 'zoomOut' },
          { type: 'separator' },
          { role: 'togglefullscreen' },
          { role: 'reload' },
        ],
      },
      { role: 'windowMenu' },
    ]),
  );
}
