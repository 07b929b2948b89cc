/** The built desktop host as a process: on Electron where its binary can be had, else on the stand-in. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { _electron, chromium, type Page } from 'playwright-core';
import type { Actor } from './actor.ts';
import { chromiumProgram } from './browser.ts';
import type { Report } from './electron/report.ts';

const root = resolve(import.meta.dirname, '../..');

const displayServer = '/usr/bin/Xvfb';

/** As the start finds it: beside the package, or where the person has one; it needs a display, or what makes one. */
function electronProgram(): string | undefined {
  if (!process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY'] && !existsSync(displayServer)) return undefined;
  const directory = join(root, 'node_modules', 'electron');
  const record = join(directory, 'path.txt');
  const name = existsSync(record) ? readFileSync(record, 'utf8').trim() : 'electron';
  const path = join(process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(directory, 'dist'), name);
  return existsSync(path) ? path : undefined;
}

const electron = electronProgram();
export const desktopTitle = electron === undefined ? 'on a stand-in for Electron, which is not installed or has no display' : 'on Electron';
export const desktopReason = electron === undefined && chromiumProgram === undefined ? '(skipped: needs Electron or Chromium)' : '';
export const onStandIn = electron === undefined;

export interface Desktop {
  readonly page: Page;
  /** What was given to the desktop's browser. */
  externalLinks(): Promise<readonly string[]>;
  /** What the application told the desktop; the stand-in's alone. */
  readonly reports: readonly Report[];
  /** Closes the window and waits until the application has ended; answers its status. */
  close(): Promise<number>;
}

/** Runs as the tests' own user: the actor has to be theirs. */
export async function openDesktop(actor: Actor): Promise<Desktop> {
  const program = join(actor.webHost.args[0] ?? '', '../desktop.js');
  return electron === undefined ? openOnStandIn(actor, program) : openOnElectron(actor, electron, join(program, '../../..'));
}

async function openOnStandIn(actor: Actor, program: string): Promise<Desktop> {
  const hook = join(import.meta.dirname, 'electron', 'hook.mjs');
  const child = spawn(process.execPath, ['--import', hook, program, ...actor.globalOptions], {
    cwd: actor.directory,
    env: actor.environment,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const reports: Report[] = [];
  const port = await firstReport(child, reports);
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
  const [context] = browser.contexts();
  const page = context?.pages()[0] ?? (await context?.waitForEvent('page'));
  if (!page) throw new Error('the stand-in has opened no page');
  return {
    page,
    reports,
    externalLinks: () => Promise.resolve(reports.flatMap((report) => (report.kind === 'opened-external' ? [report.url] : []))),
    async close() {
      await page.close().catch(() => undefined);
      const [code] = (await ended) as [number | null];
      return code ?? -1;
    },
  };
}

function firstReport(child: ChildProcess, reports: Report[]): Promise<number> {
  return new Promise((resolvePort, reject) => {
    child.on('message', (message) => {
      const report = message as Report;
      reports.push(report);
      if (report.kind === 'ready') resolvePort(report.port);
    });
    child.once('exit', (code) => {
      reject(new Error(`the desktop has ended with ${code ?? 'a signal'} before it was ready`));
    });
  });
}

/** The person's own display, or one that nobody sees. */
async function openDisplay(): Promise<{ readonly environment: Record<string, string>; close(): Promise<void> }> {
  const own = ['DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY'].flatMap((name) => {
    const value = process.env[name];
    return value ? [[name, value] as const] : [];
  });
  if (own.some(([name]) => name !== 'XAUTHORITY')) return { environment: Object.fromEntries(own), close: () => Promise.resolve() };
  const server = spawn(displayServer, ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const ended = once(server, 'exit');
  const [number] = (await once(createInterface({ input: server.stdio[3] as Readable }), 'line')) as [string];
  return {
    environment: { DISPLAY: `:${number}` },
    async close() {
      server.kill('SIGTERM');
      await ended;
    },
  };
}

async function openOnElectron(actor: Actor, executablePath: string, app: string): Promise<Desktop> {
  const display = await openDisplay();
  const application = await _electron.launch({
    executablePath,
    args: ['--no-sandbox', app, ...actor.globalOptions],
    env: { ...actor.environment, ...display.environment },
  });
  // Nothing is to be opened on the machine that runs the tests; only the last step is replaced.
  await application.evaluate(({ shell }) => {
    const opened: string[] = [];
    Object.assign(globalThis, { opened });
    shell.openExternal = (url) => {
      opened.push(url);
      return Promise.resolve();
    };
  });
  const child = application.process();
  const ended = once(child, 'exit');
  const page = await application.firstWindow();
  return {
    page,
    reports: [],
    externalLinks: () => application.evaluate(() => (globalThis as unknown as { opened: string[] }).opened),
    async close() {
      await page.close().catch(() => undefined);
      const [code] = (await ended) as [number | null];
      await display.close();
      return code ?? -1;
    },
  };
}
