import { parseArgs } from 'node:util';

/** How long and how often a bench measures, and what else its command line says. */
export interface Flags {
  /** Each measurement takes so long. */
  readonly seconds: number;
  /** Each measurement is repeated so often, in turns with what it is compared to. */
  readonly repeats: number;
  readonly number: (flag: string, otherwise: number) => number;
  readonly text: (flag: string, otherwise: string) => string;
}

/** The flags of a bench: `--seconds`, `--repeats` and its own, which must all be named. */
export function readFlags(...own: readonly string[]): Flags {
  const names = ['seconds', 'repeats', ...own];
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' } as const])),
  });
  const number = (flag: string, otherwise: number): number => {
    const found = values[flag] === undefined ? otherwise : Number(values[flag]);
    if (!(found >= 0)) throw new RangeError(`--${flag} must be a number, not ${values[flag]}.`);
    return found;
  };
  return {
    seconds: number('seconds', 1),
    repeats: number('repeats', 5),
    number,
    text: (flag, otherwise) => values[flag] ?? otherwise,
  };
}
