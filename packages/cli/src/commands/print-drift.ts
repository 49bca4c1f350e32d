import type { Drift, EventPlace } from 'daybook/read-model';

import { jsonText } from '../output/json-text.ts';
import type { Shell } from '../shell.ts';

/** Prints rows that differ: which, how, and since which event. */
export async function printDrift(shell: Shell, drift: readonly Drift[]): Promise<void> {
  await shell.print({
    rows: pagesOf(drift),
    columns: [
      { title: 'TABLE', text: ({ table }) => table },
      { title: 'KEY', text: keyText },
      { title: 'CLASS', text: (each) => each.class },
      { title: 'COLUMNS', text: columnsText },
      { title: 'SINCE', text: ({ since }) => placeText(since) ?? '-' },
    ],
    json: (each) => jsonText(each),
  });
}

/** The key of a row that differs, as people read it. */
export function keyText({ key }: Pick<Drift, 'key'>): string {
  return Object.values(key).map(String).join(' ');
}

/** The columns in which it differs. */
export function columnsText({ columns }: Pick<Drift, 'columns'>): string {
  return columns.map(({ column }) => column).join(' ');
}

/** A place as people read it: the event's type, and its revision and stream. */
export function placeText(event: EventPlace | undefined): string | undefined {
  return event === undefined ? undefined : `${event.type} ${event.revision}@${event.stream}`;
}

async function* pagesOf<Row>(rows: readonly Row[]): AsyncGenerator<readonly Row[], void, undefined> {
  if (rows.length > 0) yield rows;
}
