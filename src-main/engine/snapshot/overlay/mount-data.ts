import { closeSync, constants, openSync } from 'node:fs';
import { EngineError } from '../../../base/errors.ts';

/** mount(2) copies one page, of which the last byte is a zero. */
const mountDataLimit = 4095;

/** What overlay's own syntax gives a meaning to. */
const special = /[,:\\"\s]/;

export interface MountDataRequest {
  /** The folder of links, absolute. */
  readonly links: string;
  readonly empty: string;
  /** From the top down. */
  readonly lower: readonly string[];
  readonly upper: { readonly link: string; readonly name: string } | undefined;
  /** `userxattr`, `index=off` … */
  readonly options: readonly string[];
}

/**
 * Calls `mount` with overlay's option string. Paths are plain while they fit; else they go through a descriptor of the folder of
 * links (/proc/self/fd/N/…), which is as short whatever the graph root is called and cannot be confused by characters in it.
 * A relative path would need chdir(2), which belongs to the whole process.
 */
export function withMountData(request: MountDataRequest, mount: (data: string) => void): void {
  const plain = dataUnder(request.links, request.empty, request);
  if (plain.length <= mountDataLimit && !special.test(request.links)) {
    mount(plain);
    return;
  }
  const descriptor = openSync(request.links, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const short = `/proc/self/fd/${String(descriptor)}`;
    const data = dataUnder(short, `${short}/../.empty`, request);
    if (data.length > mountDataLimit)
      throw new EngineError('limit-exceeded', `an image of ${String(request.lower.length)} layers is more than overlay can mount`, {
        fix: 'squash the image into fewer layers',
      });
    mount(data);
  } finally {
    closeSync(descriptor);
  }
}

function dataUnder(links: string, empty: string, { lower, upper, options }: MountDataRequest): string {
  const folders = lower.map((link) => `${links}/${link}`);
  // Without an upper folder the kernel wants two lower ones, with one it wants one.
  if (folders.length < (upper ? 1 : 2)) folders.push(empty);
  const data = `lowerdir=${folders.join(':')}`;
  const top = upper ? `,upperdir=${links}/${upper.link},workdir=${links}/../${upper.name}/work` : '';
  return [data + top, ...options].join(',');
}
