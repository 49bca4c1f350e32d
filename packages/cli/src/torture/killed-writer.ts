import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A writer lives at most this long after its first answer. */
const longestLifeMs = 300;

/** An append that was answered. */
export interface Acknowledged {
  readonly stream: string;
  readonly firstRevision: bigint;
  readonly ids: readonly string[];
}

/** What a writer was told before it was killed. */
export interface Told {
  readonly acknowledged: readonly Acknowledged[];
  /** How far the write-ahead file was written when a sync began that was answered. */
  readonly syncs: readonly string[];
}

/** Lets a writer append, kills it, and gives what it was told. */
export async function killedWriter(path: string): Promise<Told> {
  const main = process.argv[1] ?? fileURLToPath(new URL('../main.js', import.meta.url));
  const writer = spawn(process.execPath, [...process.execArgv, main, 'torture-writer', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(writer, 'exit');
  const acknowledged: Acknowledged[] = [];
  const syncs: string[] = [];
  const first = Promise.withResolvers<void>();
  const lines = createInterface({ input: writer.stdout });
  const read = once(lines, 'close');
  lines.on('line', (line) => {
    const [kind, stream = '', firstRevision = '0', ids = '', end] = line.split('\t');
    if (kind === 'synced') syncs.push(stream);
    if (end !== '.') return; // Of another kind, or cut off in the middle: the append is not known to be answered.
    acknowledged.push({ stream, firstRevision: BigInt(firstRevision), ids: ids.split(',') });
    first.resolve();
  });
  await Promise.race([first.promise, exited]);
  await Promise.race([pause(Math.random() * longestLifeMs), exited]);
  writer.kill('SIGKILL');
  const [code]: readonly unknown[] = await exited;
  if (typeof code === 'number') throw new Error(`A writer ended by itself, with exit code ${code}.`);
  await read;
  return { acknowledged, syncs };
}
