import * as v from 'valibot';
import { call } from '../rpc/define.ts';
import { containerId, nameOrId, objectName, timestampMs } from './ids.ts';

export const volumeSummary = v.strictObject({
  name: v.string(),
  driver: v.string(),
  mountpoint: v.string(),
  createdAt: timestampMs,
  labels: v.record(v.string(), v.string()),
  options: v.record(v.string(), v.string()),
  anonymous: v.boolean(),
  /** Containers that mount it. */
  usedBy: v.array(containerId),
});
export type VolumeSummary = v.InferOutput<typeof volumeSummary>;

export const volumeRoutes = {
  list: call({ input: v.strictObject({}), output: v.array(volumeSummary) }),
  inspect: call({ input: v.strictObject({ volume: nameOrId }), output: volumeSummary }),
  create: call({
    input: v.strictObject({ name: v.optional(objectName), labels: v.optional(v.record(v.string(), v.string()), {}) }),
    output: volumeSummary,
  }),
  remove: call({
    input: v.strictObject({
      volume: nameOrId,
      /** With the containers that use it. */
      force: v.optional(v.boolean(), false),
      /** Of running ones: seconds from the stop signal to SIGKILL. */
      timeoutSeconds: v.optional(v.number()),
      /** Keep it for a while; see the trash. */
      trash: v.optional(v.boolean(), true),
    }),
    output: v.strictObject({ name: v.string() }),
  }),
};
