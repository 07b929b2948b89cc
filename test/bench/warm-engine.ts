/** The engine's client, as a window has it. Bundled before it is run (see peers/selkie.ts). */
import { openWorker, type WorkerRequest } from '../../src-main/launch/launch.ts';
import type { ContainerSpecInput } from '../../src-main/contract/container-spec.ts';

export interface WarmEngine {
  readonly pid: number;
  create(spec: ContainerSpecInput): Promise<string>;
  start(id: string): Promise<unknown>;
  /** Whether it runs or not. */
  remove(id: string): Promise<unknown>;
  /** The pid of the container's monitor. */
  monitorPid(id: string): Promise<number>;
  close(): Promise<void>;
}

export async function openEngine(options: WorkerRequest['options']): Promise<WarmEngine> {
  const worker = await openWorker({ options });
  const { container } = worker.api;
  return {
    pid: worker.pid,
    async create(spec) {
      let id: string | undefined;
      for await (const item of container.create(spec)) if (item.kind === 'created') ({ id } = item.container);
      if (id === undefined) throw new Error('the engine made no container');
      return id;
    },
    start: (id) => container.start({ container: id }),
    remove: (id) => container.remove({ container: id, force: true, timeoutSeconds: 0 }),
    monitorPid: async (id) => (await container.inspect({ container: id })).process.conmonPid,
    close: () => worker.close(),
  };
}
