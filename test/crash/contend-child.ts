/**
 * One of several processes that append to the same streams, each where it believes that the stream ends. It prints each
 * call when it begins and when it is answered, with the time of a clock that all processes share.
 *
 * Arguments: name of the writer, number of its first batch, seed, mutant. The path of the store comes as a line of input.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';

import { DaybookError, revision, WrongExpectedRevision, type ExpectedRevision } from 'daybook';

import { batchEvents, tortureStream } from './support/checkable-event.ts';
import { openStore } from './support/open-store.ts';
import { seededRandom } from './support/random.ts';
import { sayReady } from './support/say-ready.ts';

const [, , writer = '', firstBatch = '0', seed = '0', mutant] = process.argv;
const streams = 5;
const random = seededRandom(Number(seed));

sayReady();
const [line] = (await once(process.stdin, 'data')) as [Buffer]; // No encoding was set.
const store = await openStore(line.toString().trim());
const say = (...words: readonly unknown[]): void =>
  void writeSync(1, `${words.join(' ')} ${process.hrtime.bigint()}\n`);
const believed = new Map<number, ExpectedRevision>();
let next = Number(firstBatch);

async function append(stream: number): Promise<void> {
  const batch = next++;
  const expected = believed.get(stream) ?? 'no-stream';
  say('append', batch, stream, expected);
  try {
    const told = mutant === 'lost-update' ? 'any' : expected;
    const events = batchEvents(writer, batch);
    const appended = await store.append(tortureStream(`shared${stream}`), events, { expected: told });
    say('appended', batch, appended.firstRevision, appended.position);
    believed.set(stream, appended.revision);
  } catch (error) {
    if (error instanceof WrongExpectedRevision) {
      say('refused', batch, error.actual);
      believed.set(stream, typeof error.actual === 'bigint' ? revision(error.actual) : 'no-stream');
    } else {
      say('unknown', batch, error instanceof DaybookError ? error.code : JSON.stringify(String(error)));
    }
  }
}

async function look(stream: number): Promise<void> {
  const call = next++;
  say('look', call, stream);
  const state = await store.streamState(tortureStream(`shared${stream}`));
  say('saw', call, state.revision ?? 'no-stream');
  believed.set(stream, state.revision ?? 'no-stream');
}

await Promise.all(
  Array.from({ length: 3 }, async () => {
    for (;;) {
      const stream = random.between(0, streams - 1);
      await (random.chance(0.2) ? look(stream) : append(stream));
    }
  }),
);
