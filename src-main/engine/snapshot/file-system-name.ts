/** statfs(2) f_type, in Docker's and Podman's words. */
export function fileSystemName(type: number): string {
  const names: Readonly<Record<number, string>> = {
    0xef53: 'extfs',
    0x58465342: 'xfs',
    0x9123683e: 'btrfs',
    0x01021994: 'tmpfs',
    0x794c7630: 'overlayfs',
    0x6969: 'nfs',
    0x2fc12fc1: 'zfs',
    0xf2f52010: 'f2fs',
    0x65735546: 'fuse',
    0x61756673: 'aufs',
  };
  return names[type >>> 0] ?? `file system 0x${(type >>> 0).toString(16)}`;
}
