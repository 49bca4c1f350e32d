import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { warningChannel, type Warning } from 'daybook/decider';

/** The warnings that are published while something is done. */
export function heard(work: () => void): readonly Warning[] {
  using ear = listen();
  work();
  return ear.warnings;
}

/** The same, for what takes its time. */
export async function heardDuring(work: () => Promise<void>): Promise<readonly Warning[]> {
  using ear = listen();
  await work();
  return ear.warnings;
}

function listen(): Disposable & { readonly warnings: readonly Warning[] } {
  const warnings: Warning[] = [];
  const hear = (message: unknown): void => {
    warnings.push(message as Warning); // Nothing else is published there.
  };
  subscribe(warningChannel, hear);
  return { warnings, [Symbol.dispose]: () => unsubscribe(warningChannel, hear) };
}
