import { report } from './report.ts';

interface Item {
  readonly role?: string;
  readonly type?: 'separator';
  readonly submenu?: readonly Item[];
}

/** Electron refuses a role that it does not know; these are those of its documentation that the application may use. */
const roles = new Set(
  'fileMenu editMenu viewMenu windowMenu resetZoom zoomIn zoomOut togglefullscreen reload forceReload toggleDevTools quit close'.split(' '),
);

export class Menu {
  readonly items: readonly Item[];

  private constructor(items: readonly Item[]) {
    this.items = items;
  }

  static buildFromTemplate(template: readonly Item[]): Menu {
    for (const item of template) {
      if (item.role !== undefined && !roles.has(item.role)) throw new Error(`the stand-in knows no menu role ${item.role}`);
      if (item.role === undefined && item.type !== 'separator') throw new Error('the stand-in knows items with roles alone');
      if (item.submenu) Menu.buildFromTemplate(item.submenu);
    }
    return new Menu(template);
  }

  static setApplicationMenu(menu: Menu): void {
    const all = (items: readonly Item[]): string[] =>
      items.flatMap((item) => [...(item.role === undefined ? [] : [item.role]), ...all(item.submenu ?? [])]);
    report({ kind: 'menu', roles: all(menu.items) });
  }
}
