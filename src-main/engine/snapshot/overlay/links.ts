import { symlinkSync } from 'node:fs';
import { directoryName, hasCode, newLinkName } from '../layout.ts';
import type { SnapshotLayout } from '../layout.ts';

/** Makes a short name for a snapshot's diff directory; another than was proposed if that is taken. */
export function makeLink(layout: SnapshotLayout, key: string, proposed = newLinkName()): string {
  for (let link = proposed; ; link = newLinkName()) {
    try {
      symlinkSync(`../${directoryName(key)}/diff`, `${layout.links}/${link}`);
      return link;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}
