import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

import type { CheckResult } from './check.ts';

const leastNode = 24;
const leastOpenFiles = 1_024;
const megabyte = 1024 * 1024;

/** Whether this Node is new enough. */
export async function checkNode(): Promise<CheckResult> {
  const check = 'node';
  const evidence = `Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  if (Number.parseInt(process.versions.node, 10) >= leastNode) return { check, verdict: 'ok', evidence };
  return { check, verdict: 'fail', evidence, fix: `Install Node ${leastNode} or newer.` };
}

/** Whether this Node brings the SQLite that files need. */
export async function checkSqlite(): Promise<CheckResult> {
  const check = 'sqlite';
  const version = process.versions.sqlite;
  if (version === undefined) {
    return {
      check,
      verdict: 'fail',
      evidence: 'This Node was built without SQLite.',
      fix: 'Install Node from nodejs.org.',
    };
  }
  return { check, verdict: 'ok', evidence: `SQLite ${version}, built into Node` };
}

/** Whether a server could hold many connections. */
export async function checkOpenFiles(): Promise<CheckResult> {
  const check = 'open files';
  let limits: string;
  try {
    limits = await readFile('/proc/self/limits', 'utf8');
  } catch {
    return { check, verdict: 'ok', evidence: 'This system does not say how many files may be open.' };
  }
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  const evidence = `${limit} files may be open`;
  if (limit >= leastOpenFiles) return { check, verdict: 'ok', evidence };
  return { check, verdict: 'warn', evidence, fix: `Raise it: ulimit -n ${leastOpenFiles * 8}.` };
}

/** Whether the heap that V8 may take fits into the memory that there is. */
export async function checkMemory(): Promise<CheckResult> {
  const check = 'memory';
  const heapBytes = getHeapStatistics().heap_size_limit;
  const thereBytes = Math.min(process.constrainedMemory() || Infinity, totalmem()); // 0: nothing is constrained.
  const evidence = `heap up to ${Math.round(heapBytes / megabyte)} MiB, memory ${Math.round(thereBytes / megabyte)} MiB`;
  if (heapBytes <= thereBytes) return { check, verdict: 'ok', evidence };
  const fix = `Start with NODE_OPTIONS=--max-old-space-size=${Math.round((thereBytes * 0.7) / megabyte)}.`;
  return { check, verdict: 'warn', evidence, fix };
}
