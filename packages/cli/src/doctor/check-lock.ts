import { readFile, stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

import type { CheckResult } from './check.ts';

/** The byte of `-shm` that SQLite locks while it writes: SQLite's own documentation of the WAL index has it. */
const writeLockByte = 120;
/** Whoever writes holds the lock for a moment; whoever holds it in every look, and writes nothing, keeps it. */
const looks = 20;
const looksEveryMs = 50;

const check = 'write lock';

/** Who keeps others from writing. */
interface Holder {
  readonly pid: number;
  /** What it was started as. */
  readonly command: string;
  readonly isStopped: boolean;
}

/** Whether a process keeps the store locked, and which: one that was stopped in the middle of an append, or that hangs. */
export async function checkLock(path: string): Promise<CheckResult> {
  const first = await writer(path);
  const since = await lastWritten(path);
  if (first === undefined || since === undefined) return { check, verdict: 'ok', evidence: 'Nobody keeps it.' };
  for (let look = 1; look < looks; look++) {
    await wait(looksEveryMs);
    if ((await writer(path)) !== first) return { check, verdict: 'ok', evidence: `Process ${first} writes` };
  }
  if ((await lastWritten(path))?.getTime() !== since.getTime()) {
    return { check, verdict: 'ok', evidence: `Process ${first} writes a lot` };
  }
  return { check, verdict: 'fail', ...described(await holderOf(first), since) };
}

function described({ pid, command, isStopped }: Holder, since: Date): Pick<CheckResult, 'evidence' | 'fix'> {
  const way = isStopped ? 'is stopped and keeps it' : 'keeps it and writes nothing';
  const forSeconds = Math.round((Date.now() - since.getTime()) / 1_000);
  const evidence = `Process ${pid}${command} ${way}. The last write was at ${since.toISOString()}, ${forSeconds} s ago`;
  const goOn = isStopped ? `Let it go on: kill -CONT ${pid}. Or end it: kill -KILL ${pid}.` : `End it: kill ${pid}.`;
  return { evidence, fix: `${goOn} What it has not committed is rolled back.` };
}

/** The process that has locked the store for writing, where the system says so: Linux does. */
async function writer(path: string): Promise<number | undefined> {
  const [locks, file] = await Promise.all([readFile('/proc/locks', 'utf8'), stat(`${path}-shm`)]).catch(() => []);
  for (const line of locks?.split('\n') ?? []) {
    // `1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 120 120`. Those that wait have an arrow in front of the type.
    const match = /^\d+: POSIX +ADVISORY +WRITE +(\d+) +\w+:\w+:(\d+) +(\d+) +(\d+|EOF)/.exec(line);
    if (match === null || match[2] !== String(file?.ino)) continue;
    const [from, to] = [Number(match[3]), match[4] === 'EOF' ? Infinity : Number(match[4])];
    if (from <= writeLockByte && writeLockByte <= to) return Number(match[1]);
  }
  return undefined;
}

async function lastWritten(path: string): Promise<Date | undefined> {
  const found = await stat(`${path}-wal`).catch(() => undefined);
  return found?.mtime;
}

async function holderOf(pid: number): Promise<Holder> {
  const [state, command] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''),
    readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
  ]);
  const words = command.split('\0').join(' ').trim().slice(0, 80);
  return { pid, command: words === '' ? '' : ` (${words})`, isStopped: /^State:\s+[Tt]/m.test(state) };
}
