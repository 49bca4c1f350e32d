import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** A whole number from 0 up to, not including, `below`. */
  readonly below: (below: number) => number;
  /** True in `percent` of 100 calls. */
  readonly chance: (percent: number) => boolean;
}

/** The mulberry32 generator: small, fast and good enough to vary a workload. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { below: (below) => Math.floor(next() * below), chance: (percent) => next() * 100 < percent };
}

/** How the same is done again, for who reads of a failure. `file` is the URL of the test. */
export function againWith(file: string, seed: number): string {
  const { CI = '', CYCLES = '1' } = process.env;
  const path = fileURLToPath(file).slice(root.length + 1);
  return `Again with: CI=${CI} CYCLES=${CYCLES} SEED=${seed} node --conditions=@daybook/source --test ${path}`;
}

const root = dirname(dirname(import.meta.dirname));

/** The seed of this test run: chosen by SEED, or new. */
export function seedOfRun(): number {
  return Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
}
