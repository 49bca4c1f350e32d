import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { WatchReport } from 'daybook/consumer';

import type { Shell } from '../shell.ts';

/** Says what goes wrong with the watch of this process, until it is disposed of. */
export function sayProblems(shell: Shell): Disposable {
  const tell = (report: unknown): void => {
    for (const problem of (report as WatchReport).problems) shell.say(String(problem)); // Nobody else publishes there.
  };
  subscribe('daybook:watch', tell);
  return { [Symbol.dispose]: () => void unsubscribe('daybook:watch', tell) };
}
