import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import * as fc from 'fast-check';

import { generationEvents, Tail } from './tail.ts';

const streams = ['a', 'b', 'c'] as const;
/** So many events, or an index that is so far behind the newest event. */
const steps = fc.array(
  fc.oneof(
    fc.record({ events: fc.integer({ min: 1, max: generationEvents }), seed: fc.nat() }),
    fc.record({ behind: fc.integer({ min: 0, max: generationEvents * 2 }) }),
  ),
  { maxLength: 12 },
);

function streamAt(position: number, seed: number): (typeof streams)[number] | `${string}-${number}` {
  const place = Math.imul(position ^ seed, 0x9e3779b1) >>> 30;
  return streams[place] ?? `once-${position}`;
}

describe('the tail', () => {
  it('gives what the index does not have, whatever it has forgotten by then', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (all, boundSeed) => {
        const tail = new Tail(0, undefined);
        const held = new Map<string, ReturnType<Tail['stretch']>>();
        const truth: { readonly position: number; readonly stream: string }[] = [];
        for (const step of all) {
          if ('behind' in step) {
            tail.dropThrough(tail.last - step.behind);
            continue;
          }
          for (let count = 0; count < step.events; count += 1) {
            const position = tail.last + 1;
            const stream = streamAt(position, step.seed);
            tail.enter(position);
            const stretch = held.get(stream) ?? tail.stretch(stream);
            if (streams.some((each) => each === stream)) held.set(stream, stretch);
            tail.add(stretch, position * 2);
            truth.push({ position, stream });
          }
        }
        const bound = tail.last === 0 ? 0 : boundSeed % (tail.last + 1);
        for (const stream of [...streams, truth.at(-1)?.stream ?? 'nothing', truth[0]?.stream ?? 'nothing']) {
          const expected = truth
            .filter((event) => event.stream === stream && event.position > tail.indexed)
            .map(({ position }) => position);
          assert.deepEqual(tail.positionsOf(stream, Infinity), expected);
          assert.deepEqual(
            tail.positionsOf(stream, bound),
            expected.filter((position) => position <= bound),
          );
          assert.deepEqual(
            tail.idHashesOf(stream),
            expected.map((position) => position * 2),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it('has forgotten what the index has when as many events have come', () => {
    const tail = new Tail(0, undefined);
    const add = (position: number): void => {
      tail.enter(position);
      tail.add(tail.stretch(`once-${position}`), position);
    };
    for (let position = 1; position <= generationEvents * 2; position += 1) add(position);
    tail.dropThrough(generationEvents);
    for (let position = tail.last + 1; position <= generationEvents * 3; position += 1) add(position);
    assert.equal([...tail.names()].length, generationEvents * 2);
  });
});
