import { parseArgs } from 'node:util';

import type { Broken } from './check-log.ts';
import { newSeed } from './random.ts';

/** What a crash programme is asked to do. */
export interface Run {
  /** How often: kills, images, flips. */
  readonly cycles: number;
  /** The same seed makes the same choices. */
  readonly seed: number;
  /** A deliberate mistake that the programme must find. Default: none. */
  readonly mutant?: string | undefined;
  /** End at the first broken promise instead of counting all. */
  readonly stopAtFirst?: boolean | undefined;
}

/** What a crash programme found. */
export interface Outcome {
  /** The id of the promise and what it is about: `R1 kill -9`. */
  readonly promise: string;
  readonly run: Run;
  /** What was done and counted. */
  readonly counts: Readonly<Record<string, number>>;
  readonly broken: readonly Broken[];
  /** The command that does the same again. */
  readonly command: string;
}

export interface CommandLine {
  readonly run: Run;
  /** The value of one of the further flags, a whole number, or what it is without. */
  readonly number: (flag: string, otherwise: number) => number;
}

/** What the command line asks for: `--cycles`, `--seed`, `--mutant` and the programme's further flags. */
export function commandLine(cycles: number, ...further: readonly string[]): CommandLine {
  const flags = ['cycles', 'seed', 'mutant', ...further];
  const { values } = parseArgs({
    options: Object.fromEntries(flags.map((flag) => [flag, { type: 'string' } as const])),
  });
  const number = (flag: string, otherwise: number): number => {
    const value = values[flag];
    if (value === undefined) return otherwise;
    const found = Number(value);
    if (!Number.isSafeInteger(found) || found < 0)
      throw new RangeError(`--${flag} must be a whole number, not ${value}.`);
    return found;
  };
  const mutant = values['mutant'];
  return { run: { cycles: number('cycles', cycles), seed: number('seed', newSeed()), mutant }, number };
}

/** Prints an outcome as a line of JSON and a sentence. A broken promise makes the process exit with 8. */
export function report({ promise, run, counts, broken, command }: Outcome): void {
  const byKind = Object.fromEntries(
    Object.entries(Object.groupBy(broken, ({ kind }) => kind)).map(([kind, list]) => [kind, list?.length ?? 0]),
  );
  const { cycles, seed, mutant } = run;
  const line = { promise, broken: broken.length, byKind, cycles, seed, mutant, ...counts, examples: examples(broken) };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  if (broken.length === 0) {
    process.stdout.write(`${promise}: kept, ${cycles} times.\n`);
  } else {
    process.stdout.write(`${promise}: broken ${broken.length} times. ${broken[0]?.problem} Again with: ${command}\n`);
    process.exitCode = 8;
  }
}

/** What to say when a promise was broken: the first few problems, and how to see them again. */
export function explain({ promise, broken, command }: Outcome): string {
  return [`${promise}: broken ${broken.length} times`, ...examples(broken), `again with: ${command}`].join('\n');
}

/** The command line that repeats a run. */
export function commandFor(file: string, { cycles, seed, mutant }: Run, ...more: readonly string[]): string {
  const flags = [`--cycles ${cycles}`, `--seed ${seed}`, ...(mutant === undefined ? [] : [`--mutant ${mutant}`])];
  return ['node --conditions=@daybook/source', `test/crash/${file}`, ...flags, ...more].join(' ');
}

/** A few problems, each of another shape: the same words with other numbers and names are the same problem. */
function examples(broken: readonly Broken[]): readonly string[] {
  const shapes = new Map<string, string>();
  for (const { kind, problem } of broken) {
    const shape = `${kind}: ${problem.replaceAll(/\/\S*|[0-9a-f]*\d[0-9a-f-]*/g, '#')}`;
    if (!shapes.has(shape)) shapes.set(shape, `${kind}: ${problem}`);
  }
  return [...shapes.values()].slice(0, 8);
}
