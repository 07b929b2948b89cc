/** What only the window's host can do: kept apart from the engine, which knows no windows. */
import * as v from 'valibot';
import { call } from '../rpc/define.ts';
import type { Contract } from '../rpc/define.ts';

export const desktopContract = {
  version: '1',
  routes: {
    desktop: {
      info: call({
        input: v.strictObject({}),
        output: v.strictObject({ host: v.picklist(['electron', 'web']), platform: v.string(), version: v.string() }),
      }),
      /** Only http and https; anything else is refused. */
      openExternal: call({ input: v.strictObject({ url: v.pipe(v.string(), v.url(), v.regex(/^https?:/)) }), output: v.strictObject({}) }),
    },
  },
} satisfies Contract;
