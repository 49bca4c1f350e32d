import { randomUUID } from 'node:crypto';

import { streamName } from 'daybook';

import { openStore } from '../open-store.ts';
import type { Terminal } from '../output/terminal.ts';
import { tortureEvent } from './torture-event.ts';
import { watchSyncs } from './watch-syncs.ts';

/** Streams that a writer appends to at the same time. */
const streams = 16;

/**
 * Appends as fast as it can and writes a line for each sync, `synced` and how far it went, and for each answer: `appended`,
 * stream, revision, ids, and a dot, without which the line was cut off. Only a signal ends it.
 */
export async function writeUntilKilled(path: string, terminal: Terminal): Promise<void> {
  watchSyncs(path, (frames) => void terminal.write(`synced\t${frames}\n`));
  const store = await openStore(path, 'create');
  const run = randomUUID();
  await Promise.all(
    Array.from({ length: streams }, async (_, number) => {
      const stream = streamName(`Tortured-${run}-${number}`);
      for (let count = 0; ; count++) {
        const events = Array.from({ length: 1 + (count % 3) }, tortureEvent);
        const { firstRevision } = await store.append(stream, events, {
          expected: count === 0 ? 'no-stream' : 'stream-exists',
        });
        const ids = events.map(({ id }) => id).join(',');
        await terminal.write(`appended\t${stream}\t${firstRevision}\t${ids}\t.\n`);
      }
    }),
  );
}
