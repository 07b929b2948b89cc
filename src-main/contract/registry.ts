import * as v from 'valibot';
import { call } from '../rpc/define.ts';

/** Which file credentials are kept in, and how a registry is spoken to. */
const access = {
  /** Instead of the usual files; made when it is not there. */
  authFile: v.optional(v.string()),
  /** A file in the form of Docker's config.json, instead of auth.json. */
  compatAuthFile: v.optional(v.string()),
  certDirectory: v.optional(v.string()),
  tlsVerify: v.optional(v.boolean()),
};

/** host[:port], with or without a path; with or without https:// in front. Empty: the first one that registries.conf searches. */
const registryKey = v.pipe(v.string(), v.maxLength(1024));

export const storedLogin = v.strictObject({
  /** host[:port], with or without a path; docker.io under that name, whatever the file calls it. */
  key: v.string(),
  /** Empty: it is a token, or a helper that makes its credentials when it is asked. */
  username: v.string(),
  hasToken: v.boolean(),
  kind: v.picklist(['auth-file', 'docker', 'helper']),
  /** The file, or the helper's program. */
  storedIn: v.string(),
  /** Logging out forgets it; false: it is another program's, and stays. */
  own: v.boolean(),
});
export type StoredLogin = v.InferOutput<typeof storedLogin>;

export const searchResult = v.strictObject({
  /** The registry that it was found in. */
  index: v.string(),
  /** With the registry. */
  name: v.string(),
  description: v.string(),
  stars: v.number(),
  official: v.boolean(),
  automated: v.boolean(),
  /** Of a list of tags. */
  tag: v.string(),
});
export type SearchResult = v.InferOutput<typeof searchResult>;

export const registryRoutes = {
  /** Who is logged in where, as credentials are found for a pull; never a secret. Asks the files and the helpers that they name. */
  logins: call({
    input: v.strictObject(access),
    output: v.strictObject({
      logins: v.array(storedLogin),
      /** Of files and helpers that could not be read. */
      warnings: v.array(v.string()),
    }),
  }),
  /** Whose credentials are there for a registry; asks nobody but the files (and credential helpers that they name). */
  credentials: call({
    input: v.strictObject({ ...access, registry: registryKey }),
    output: v.strictObject({
      /** As it is kept: without https://. */
      key: v.string(),
      /** Empty: there are none. */
      username: v.string(),
      hasPassword: v.boolean(),
      hasToken: v.boolean(),
    }),
  }),
  /** Tries user and password at the registry, and keeps them when it takes them. Without them: tries those that are kept. */
  login: call({
    input: v.strictObject({
      ...access,
      registry: registryKey,
      user: v.optional(v.strictObject({ name: v.string(), password: v.string() })),
    }),
    output: v.strictObject({
      key: v.string(),
      /** The file or the helper that has them now; empty when nothing was written. */
      storedIn: v.string(),
    }),
  }),
  /** `not-found` when there is nothing to forget. */
  logout: call({
    input: v.strictObject({ ...access, registry: registryKey, all: v.optional(v.boolean(), false) }),
    output: v.strictObject({
      key: v.string(),
      /** They are another program's (Docker's), and stay. */
      foreignFile: v.optional(v.string()),
    }),
  }),
  search: call({
    input: v.strictObject({
      ...access,
      term: v.string(),
      /** Per registry; 0: the usual number. */
      limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
      listTags: v.optional(v.boolean(), false),
      filters: v.optional(v.array(v.strictObject({ key: v.string(), value: v.string() })), []),
    }),
    output: v.strictObject({
      results: v.array(searchResult),
      /** Of registries that could not be asked while others could. */
      warnings: v.array(v.string()),
    }),
  }),
};
