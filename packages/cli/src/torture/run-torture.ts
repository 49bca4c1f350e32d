import { removeStore } from '../bench-store.ts';
import { quantile } from '../measure.ts';
import { openFile } from '../open-store.ts';
import { compare, verified, type Difference } from './compare.ts';
import { cutPower } from './cut-power.ts';
import { killedWriter, type Told } from './killed-writer.ts';

/** Every so many cycles the whole store is verified, and after the last one. */
const verifyEvery = 25;

/** Problems that are remembered. One is enough to fail. */
const problemsKept = 100;

export interface TortureOptions {
  readonly path: string;
  readonly cycles: number;
  /** Processes that append at the same time. */
  readonly writers: number;
  /** Power cuts that are tried after each kill. */
  readonly powerCuts: number;
  readonly signal: AbortSignal;
}

export interface TortureResult {
  readonly cycles: number;
  readonly powerCuts: number;
  /** Events. */
  readonly acknowledged: number;
  readonly lost: number;
  readonly damaged: number;
  readonly reopenP50Ms: number;
  readonly reopenMaxMs: number;
  /** Sentences. */
  readonly problems: readonly string[];
}

/** Kills writers, cycle by cycle, and compares what they were told with what is there, and with what a power cut leaves. */
export async function torture(options: TortureOptions, told: (cycles: number) => void): Promise<TortureResult> {
  const { path, cycles, signal } = options;
  const counts = { cycles: 0, powerCuts: 0, acknowledged: 0, lost: 0, damaged: 0 };
  const problems: string[] = [];
  const reopenMs: number[] = [];
  const note = (found: Difference): void => {
    counts.lost += found.lost;
    counts.damaged += found.damaged;
    problems.push(...found.problems.slice(0, problemsKept - problems.length));
  };
  while (counts.cycles < cycles && problems.length === 0 && !signal.aborted) {
    const writers = await Promise.all(Array.from({ length: options.writers }, () => killedWriter(path)));
    const known: Told = {
      acknowledged: writers.flatMap(({ acknowledged }) => acknowledged),
      syncs: writers.flatMap(({ syncs }) => syncs),
    };
    counts.acknowledged += known.acknowledged.reduce((sum, { ids }) => sum + ids.length, 0);
    counts.cycles += 1;
    const isVerified = counts.cycles % verifyEvery === 0 || counts.cycles === cycles;
    for (let left = options.powerCuts; left > 0 && problems.length === 0 && !signal.aborted; left--) {
      note(await afterPowerCut(path, known, { isVerified }));
      counts.powerCuts += 1;
    }
    if (problems.length > 0) break; // The files stay as they were found.
    const started = performance.now();
    await using store = await openFile(path, 'tortured');
    reopenMs.push(performance.now() - started);
    note(await compare(store, known.acknowledged));
    if (isVerified) note(await verified(store));
    told(counts.cycles);
  }
  if (problems.length === 0) await removeStore(path);
  signal.throwIfAborted();
  const sorted = Float64Array.from(reopenMs).toSorted();
  const ms = (share: number): number => Math.round(quantile(sorted, share) * 10) / 10;
  return { ...counts, reopenP50Ms: ms(0.5), reopenMaxMs: ms(1), problems };
}

/** What is wrong with a store as a power cut could have left it. Its files are kept when something is. */
async function afterPowerCut(
  path: string,
  { acknowledged, syncs }: Told,
  { isVerified }: { readonly isVerified: boolean },
): Promise<Difference> {
  const image = `${path}-cut.db`;
  const deeds = await cutPower(path, { image, syncs });
  let found: Difference;
  try {
    await using store = await openFile(image, 'tortured');
    const compared = await compare(store, acknowledged);
    found = isVerified && compared.problems.length === 0 ? await verified(store) : compared;
  } catch (error) {
    found = { lost: 0, damaged: 1, problems: [error instanceof Error ? error.message : String(error)] };
  }
  if (found.problems.length === 0) await removeStore(image);
  return { ...found, problems: found.problems.map((problem) => `After a power cut (${deeds}): ${problem}`) };
}
