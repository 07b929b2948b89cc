import type { VolumeSummary } from '../../../contract/volume.ts';
import { headingsOf } from './report.ts';
import { goMap, GoTime, struct, type GoStruct } from './template/template.ts';

/** Podman uses the same shape for JSON and for templates. */
export function volumeJson(volume: VolumeSummary): GoStruct {
  return struct('define.InspectVolumeData', {
    Name: volume.name,
    Driver: volume.driver,
    Mountpoint: volume.mountpoint,
    CreatedAt: new GoTime(volume.createdAt),
    Labels: goMap(volume.labels),
    Scope: 'local',
    Options: goMap(volume.options),
    ...(volume.anonymous ? { Anonymous: true } : {}),
    MountCount: volume.usedBy.length,
  });
}

export const volumeHeadings = headingsOf(['Driver', 'Mountpoint', 'CreatedAt', 'Labels', 'Scope', 'Options', 'Anonymous', 'MountCount'], {
  Name: 'VOLUME NAME',
});
