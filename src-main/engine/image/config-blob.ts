/** The image configuration (OCI image-spec config.md), tolerant of what builders really write: nulls, missing parts, strings for lists. */
import * as v from 'valibot';
import { EngineError } from '../../base/errors.ts';
import { type Digest, digest } from '../../contract/ids.ts';
import type { ImageConfig, ImageDetail } from '../../contract/image.ts';
import type { Platform } from './manifest.ts';

const text = v.nullish(v.string(), '');
const words = v.pipe(
  v.nullish(v.union([v.string(), v.array(v.string())]), []),
  v.transform((value) => (typeof value === 'string' ? [value] : value)),
);
/** A set written as the keys of an object; some builders write a list. */
const keys = v.pipe(
  v.nullish(v.union([v.array(v.string()), v.record(v.string(), v.unknown())]), []),
  v.transform((value) => (Array.isArray(value) ? value : Object.keys(value))),
);

const execution = v.object({
  User: text,
  ExposedPorts: keys,
  Env: words,
  Entrypoint: words,
  Cmd: words,
  Volumes: keys,
  WorkingDir: text,
  Labels: v.nullish(v.record(v.string(), v.nullish(v.string(), '')), {}),
  StopSignal: text,
});

const noExecution = v.parse(execution, {});

const configBlob = v.object({
  architecture: text,
  os: text,
  variant: text,
  created: text,
  author: text,
  comment: text,
  config: v.nullish(execution),
  rootfs: v.object({ diff_ids: v.nullish(v.array(digest), []) }),
  history: v.nullish(v.array(v.object({ created: text, created_by: text, comment: text, empty_layer: v.nullish(v.boolean(), false) })), []),
});

export interface ParsedConfig {
  readonly config: ImageConfig;
  readonly platform: Platform;
  readonly diffIds: readonly Digest[];
  /** Milliseconds since 1970; 0 when it is not said. */
  readonly createdAt: number;
  readonly author: string;
  readonly comment: string;
  readonly history: ImageDetail['history'];
}

function toTime(value: string): number | undefined {
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

/** Errors: `corrupt`. */
export function parseConfig(bytes: Uint8Array, what: string): ParsedConfig {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new EngineError('corrupt', `the configuration of ${what} is not JSON`, { cause: error });
  }
  const parsed = v.safeParse(configBlob, document);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const where = v.getDotPath(issue) ?? 'the document';
    throw new EngineError('corrupt', `the configuration of ${what} is malformed: ${where}: ${issue.message.slice(0, 120)}`);
  }
  const { output } = parsed;
  const run = output.config ?? noExecution;
  return {
    config: {
      user: run.User,
      exposedPorts: run.ExposedPorts,
      environment: run.Env,
      entrypoint: run.Entrypoint,
      command: run.Cmd,
      volumes: run.Volumes,
      workingDirectory: run.WorkingDir,
      labels: run.Labels,
      stopSignal: run.StopSignal,
    },
    platform: { os: output.os === '' ? 'linux' : output.os, architecture: output.architecture, variant: output.variant },
    diffIds: output.rootfs.diff_ids,
    createdAt: toTime(output.created) ?? 0,
    author: output.author,
    comment: output.comment,
    history: output.history.map((step) => ({
      createdAt: toTime(step.created),
      createdBy: step.created_by,
      comment: step.comment,
      emptyLayer: step.empty_layer,
    })),
  };
}
