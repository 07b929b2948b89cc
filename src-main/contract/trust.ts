import * as v from 'valibot';
import { call } from '../rpc/define.ts';

export const trustLine = v.strictObject({
  /** `all` of the default, `repository` of docker, else the transport's name. */
  transport: v.string(),
  /** The scope; `default`. */
  name: v.string(),
  /** accept, reject, signed, sigstoreSigned, or another requirement's word. */
  type: v.string(),
  /** Of the keys, separated by commas. */
  identities: v.string(),
  /** Where signatures are looked for, when registries.d says so. */
  store: v.string(),
});
export type TrustLine = v.InferOutput<typeof trustLine>;

/** Instead of the usual ones; absolute paths. */
const files = { policyFile: v.optional(v.string()), registriesDirectory: v.optional(v.string()) };

/** Which images may come in: policy.json. */
export const trustRoutes = {
  show: call({
    /** `registry`: only what decides about that name. */
    input: v.strictObject({ ...files, registry: v.optional(v.string()) }),
    output: v.strictObject({ path: v.string(), raw: v.string(), lines: v.array(trustLine) }),
  }),
  /** Replaces what is said about one scope (`default`, a registry, a namespace, a repository); all else stays. Answers the file. */
  set: call({
    input: v.strictObject({
      ...files,
      scope: v.pipe(v.string(), v.nonEmpty(), v.maxLength(1024)),
      type: v.picklist(['accept', 'reject', 'signedBy', 'sigstoreSigned']),
      /** Absolute paths of public keys. Of several all have to have signed, as in Podman. */
      keys: v.optional(v.array(v.string()), []),
    }),
    output: v.strictObject({ path: v.string() }),
  }),
};
