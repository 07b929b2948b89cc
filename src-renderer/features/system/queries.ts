/** What the pages of the system ask of the engine. The only place of this feature that calls the client. */
import { useQuery } from '@tanstack/react-query';
import { EngineError } from '../../../src-main/base/errors.ts';
import type { ContainerSummary } from '../../../src-main/contract/container.ts';
import { engine } from '../../client/connection.ts';
import { notify } from '../../client/notices.ts';
import { text } from '../../text/text.ts';

export function useCheck() {
  return useQuery({
    queryKey: ['system', 'check'],
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const startedMs = performance.now();
      const result = await engine().system.check({}, { signal });
      return { ...result, tookMs: performance.now() - startedMs };
    },
  });
}

export function useSystemInfo() {
  return useQuery({ queryKey: ['system', 'info'], queryFn: ({ signal }) => engine().system.info({}, { signal }) });
}

export function useDiskUsage() {
  return useQuery({ queryKey: ['system', 'disk'], queryFn: ({ signal }) => engine().system.diskUsage({}, { signal }) });
}

export const firstRunSteps = ['image', 'create', 'start', 'answer'] as const;
export type FirstRunStep = (typeof firstRunSteps)[number];

export interface FirstContainer {
  readonly id: string;
  readonly name: string;
  readonly port: NonNullable<ContainerSummary['ports'][number]> | undefined;
}

/** The starter's web server listens here. */
const starterPort = 8080;

/** From the embedded image to a running container; `onStep` is told before each step. Rejects with the failed step's error. */
export async function runFirstContainer(onStep: (step: FirstRunStep) => void): Promise<FirstContainer> {
  const { image, container } = engine();
  onStep('image');
  const starter = await image.ensureStarter({});
  onStep('create');
  let created: { id: string; name: string } | undefined;
  for await (const item of container.create({ image: starter.name, ports: [{ containerPort: starterPort }] })) {
    if (item.kind !== 'created') continue;
    created = item.container;
    for (const warning of item.container.warnings) {
      notify({ kind: 'warning', title: text()('run.warning', { name: item.container.name }), detail: warning });
    }
  }
  if (!created) throw new EngineError('internal', 'the engine created no container and said no reason');
  onStep('start');
  await container.start({ container: created.id });
  onStep('answer');
  const detail = await container.inspect({ container: created.id });
  if (detail.state !== 'running') {
    throw new EngineError('runtime-failed', `the container ${created.name} has ended right away with code ${detail.exitCode ?? '?'}`, {
      fix: 'read its log',
    });
  }
  return { id: created.id, name: created.name, port: detail.ports.find((port) => port.containerPort === starterPort) };
}
