import { randomUUID } from 'node:crypto';
import { open, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { quantile } from '../measure.ts';
import type { CheckResult } from './check.ts';

/** File systems by the number that Linux gives for them. On some, locks or fsync do not hold what SQLite needs. */
const fileSystems: Readonly<
  Record<number, { readonly name: string; readonly problem?: string; readonly isSafe?: false }>
> = {
  0x01_02_19_94: { name: 'tmpfs', problem: 'It is memory: nothing survives a restart.' },
  0x01_02_19_97: { name: '9p', problem: 'Locks and fsync go over a protocol that may drop them.', isSafe: false },
  0x2f_c1_2f_c1: { name: 'zfs' },
  0x51_7b: { name: 'smb', problem: 'Locks of network file systems lose events.', isSafe: false },
  0x58_46_53_42: { name: 'xfs' },
  0x65_73_55_46: { name: 'fuse', problem: 'What a fsync does is up to the program behind it.' },
  0x69_69: { name: 'nfs', problem: 'Locks of network file systems lose events.', isSafe: false },
  0x79_4c_76_30: { name: 'overlay', problem: 'It goes when the container goes.' },
  0x91_23_68_3e: { name: 'btrfs' },
  0xef_53: { name: 'ext4' },
  0xfe_53_4d_42: { name: 'smb', problem: 'Locks of network file systems lose events.', isSafe: false },
  0xff_53_4d_42: { name: 'smb', problem: 'Locks of network file systems lose events.', isSafe: false },
};

const fsyncs = 50;
/** No disk is this fast that waits until the bytes are safe. */
const honestFsyncMs = 0.02;
const slowFsyncMs = 20;
const gigabyte = 1024 ** 3;
const leastFreeBytes = gigabyte / 10;

/** Whether the store lies on a file system that keeps what SQLite asks of it. */
export async function checkFileSystem(path: string): Promise<CheckResult> {
  const check = 'file system';
  const { type } = await statfs(dirname(path));
  const known = fileSystems[type];
  const evidence = `${known?.name ?? `type 0x${type.toString(16)}`} at ${dirname(path)}`;
  if (known?.problem === undefined) return { check, verdict: 'ok', evidence };
  const verdict = known.isSafe === false ? 'fail' : 'warn';
  return { check, verdict, evidence, fix: `${known.problem} Put the store on a local disk.` };
}

/** How long the disk takes to make bytes safe, and whether that can be true. */
export async function checkFsync(path: string): Promise<CheckResult> {
  const check = 'fsync';
  const probe = join(dirname(path), `daybook-doctor-${randomUUID().slice(0, 8)}`);
  const times: number[] = [];
  const file = await open(probe, 'w');
  try {
    for (let count = 0; count < fsyncs; count++) {
      await file.write(Buffer.alloc(4_096, count));
      const started = performance.now();
      await file.datasync();
      times.push(performance.now() - started);
    }
  } finally {
    await file.close();
    await rm(probe, { force: true });
  }
  const sorted = Float64Array.from(times).toSorted();
  const p50 = quantile(sorted, 0.5);
  const evidence = `p50 ${p50.toFixed(2)} ms, p99 ${quantile(sorted, 0.99).toFixed(2)} ms`;
  if (p50 < honestFsyncMs) {
    return {
      check,
      verdict: 'warn',
      evidence,
      fix: 'The disk hardly can have waited: it may lose events with the power.',
    };
  }
  if (p50 > slowFsyncMs)
    return { check, verdict: 'warn', evidence, fix: 'Each commit waits for this. Take a faster disk.' };
  return { check, verdict: 'ok', evidence };
}

/** Whether there is room for more events. */
export async function checkSpace(path: string): Promise<CheckResult> {
  const check = 'free space';
  const { bavail, blocks, bsize, ffree, files } = await statfs(dirname(path));
  const freeBytes = bavail * bsize;
  const share = blocks === 0 ? 1 : bavail / blocks;
  const evidence = `${(freeBytes / gigabyte).toFixed(1)} GiB, ${Math.round(share * 100)} % of the disk`;
  if (freeBytes < leastFreeBytes || (files > 0 && ffree === 0)) {
    return { check, verdict: 'fail', evidence, fix: 'Free some space, or move the store to a larger disk.' };
  }
  if (share < 0.05) return { check, verdict: 'warn', evidence, fix: 'Free some space soon.' };
  return { check, verdict: 'ok', evidence };
}
