import { execFileSync } from 'node:child_process';
import { describe } from 'node:test';

/** What a process believes of the time. */
export interface WrongClock {
  readonly name: string;
  /** As libfaketime reads it: `-1d`, `+0 x0.5`, `@2026-03-29 01:59:58`. */
  readonly time: string;
  /** Default: UTC. */
  readonly zone?: string | undefined;
}

const install = 'apt-get install faketime';

/** A suite of tests that need wrong clocks. Where that cannot be, it says why, and what to install. In CI it must be. */
export function describeWithWrongClocks(name: string, suite: () => void): void {
  const skip = process.env['CI'] === 'true' || libraryPath() !== undefined ? false : `There is no faketime: ${install}`;
  // The suite's result is that of its tests.
  void describe(name, { skip }, suite);
}

/** What a process must have in its environment to live by a wrong clock: what is measured too, not only the date. */
export function wrongClock({ time, zone = 'UTC' }: WrongClock): Readonly<Record<string, string>> {
  const library = libraryPath();
  if (library === undefined) throw new Error(`There is no faketime: ${install}`);
  // The times of files are none of its business.
  return { LD_PRELOAD: library, FAKETIME: time, NO_FAKE_STAT: '1', TZ: zone };
}

/** Where the library is, by its own command: that differs from system to system. */
function libraryPath(): string | undefined {
  try {
    const found = execFileSync('faketime', ['-m', '-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' });
    return found.trim().split(/[:\s]/).at(-1);
  } catch {
    return undefined;
  }
}
