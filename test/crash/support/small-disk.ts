import { spawnSync } from 'node:child_process';

/**
 * What runs a command with a small file system mounted on a folder, for itself alone; it is gone when the command ends.
 * `$0` is the folder and `$@` the command for `script`, which may do something before.
 */
export function onSmallDisk(folder: string, size: string, script = 'exec "$@"'): readonly string[] {
  const mounted = `mount -t tmpfs -o size=${size} tmpfs "$0" && ${script}`;
  const ways = [
    ['unshare', '--map-root-user', '--mount'],
    ['unshare', '--mount'],
  ];
  const way = ways.find(([program = '', ...flags]) => {
    const mount = `mount -t tmpfs -o size=${size} tmpfs "$0"`;
    return spawnSync(program, [...flags, 'sh', '-c', mount, folder], { stdio: 'ignore' }).status === 0;
  });
  if (way === undefined) throw new Error('No small file system can be mounted here: unshare(1) is refused.');
  return [...way, 'sh', '-c', mounted, folder];
}
