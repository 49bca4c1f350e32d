import type { Position } from 'daybook';
import type { Finding } from 'daybook/sqlite';

import { Failure } from './failure.ts';
import { openFile } from './open-store.ts';
import { counted } from './output/counted.ts';
import { jsonText } from './output/json-text.ts';
import type { Column } from './output/print-rows.ts';
import type { Progress } from './output/progress.ts';
import type { Shell } from './shell.ts';

const columns: readonly Column<Finding>[] = [
  { title: 'POSITION', align: 'right', text: ({ position }) => (position === undefined ? '' : String(position)) },
  { title: 'KIND', text: ({ kind }) => kind },
  { title: 'PROBLEM', text: ({ problem }) => problem },
];

/** Codes of errors that say that a file is damaged so much that it cannot be opened. */
const damaged: ReadonlySet<unknown> = new Set(['event-damaged', 'store-damaged', 'log-regressed']);

/**
 * Verifies a file and prints what is wrong with it.
 *
 * @throws Failure when something is.
 */
export async function verifyFile(shell: Shell, path: string): Promise<void> {
  // The lines of the findings stand where the bar would be drawn.
  const isQuiet = shell.format === 'table' && shell.terminal.isInteractive;
  const progress = shell.progress('events', { isQuiet });
  const verifying = new Verifying(path, progress);
  const count = await shell.print({ rows: verifying.findings(shell.signal), columns, json: jsonText });
  const checked = counted(verifying.checked, 'event');
  if (count > 0) {
    throw new Failure(
      'event-damaged',
      9,
      `${path} is damaged: ${counted(count, 'finding')} in ${checked}. Restore a backup: daybook backup restore.`,
    );
  }
  shell.say(`${checked}, nothing wrong.`);
}

/** A look at every event of a file. */
class Verifying {
  readonly #path: string;
  readonly #progress: Progress;
  #checked = 0n;

  constructor(path: string, progress: Progress) {
    this.#path = path;
    this.#progress = progress;
  }

  /** How many events were looked at so far. */
  get checked(): bigint {
    return this.#checked;
  }

  /** What is wrong, as it is found. */
  async *findings(signal: AbortSignal): AsyncGenerator<readonly Finding[], void, undefined> {
    using progress = this.#progress;
    try {
      await using store = await openFile(this.#path, 'verified');
      for await (const { eventsChecked, eventsTotal, findings } of store.verify({ signal })) {
        this.#checked = eventsChecked;
        const share = eventsTotal === 0n ? undefined : Number(eventsChecked) / Number(eventsTotal);
        progress.update(Number(eventsChecked), share);
        if (findings.length > 0) yield findings;
      }
    } catch (error) {
      if (!(error instanceof Error) || !damaged.has(Reflect.get(error, 'code'))) throw error;
      const position = Reflect.get(error, 'position') as Position | undefined; // Of the damaged event, if it is one.
      yield [{ kind: 'damaged-file', problem: error.message, ...(position !== undefined && { position }) }];
    }
  }
}
