import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import * as fc from 'fast-check';

import { streamName } from '../store/stream-name.ts';
import { generationEvents, Tail } from './tail.ts';

const streams = ['a', 'b', 'c'] as const;
const derived = ['$ce-x', '$ce-y'] as const;
const metadata = new Uint8Array(0);
/** So many events, or an index that is so far behind the newest event. */
const steps = fc.array(
  fc.oneof(
    fc.record({ events: fc.integer({ min: 1, max: generationEvents }), seed: fc.nat() }),
    fc.record({ behind: fc.integer({ min: 0, max: generationEvents * 2 }) }),
  ),
  { maxLength: 12 },
);

interface Added {
  readonly position: number;
  readonly stream: string;
  readonly derived: string;
  readonly hash: number;
}

function streamAt(position: number, seed: number): string {
  const place = Math.imul(position ^ seed, 0x9e3779b1) >>> 30;
  return streams[place] ?? `once-${position}`;
}

/** Adds an event, and now and then what stands for lost ones before it. Says of itself where its stream ended, or not. */
function addTo(tail: Tail, ends: Map<string, number>, seed: number): readonly Added[] {
  const position = tail.last + 1 + (position8(seed, tail.last) === 0 ? 3 : 0); // Rows can be missing.
  const stream = streamAt(position, seed);
  const derivedName = derived[position % derived.length]!;
  tail.enter(position);
  const gap = position8(seed, position) === 1 ? 2 : 0;
  if (gap > 0) {
    tail.addGap(gap);
    tail.enter(position);
  }
  if (position % 2 === 0) tail.add(stream, position * 2);
  else tail.add(stream, position * 2, ends.get(stream) ?? 0);
  ends.set(stream, position);
  const type = `Type${position % 3}`;
  tail.addDerived({
    stream: streamName(`${derivedName.slice('$ce-'.length)}-1`),
    type,
    revision: position % 5,
    metadata,
  });
  const event = { position, stream, derived: derivedName };
  return [...Array.from({ length: gap }, () => ({ ...event, hash: 0 })), { ...event, hash: position * 2 }];
}

/** One of many numbers, by chance. */
function position8(seed: number, position: number): number {
  return (Math.imul(position ^ (seed + 7), 0x85ebca6b) >>> 8) % 4_096;
}

describe('the tail', () => {
  it('gives what the index does not have, whatever it has forgotten by then', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (all, boundSeed) => {
        const tail = new Tail(0, undefined);
        const ends = new Map<string, number>();
        const truth: Added[] = [];
        for (const step of all) {
          if ('behind' in step) tail.dropThrough(tail.last - step.behind);
          else for (let count = 0; count < step.events; count += 1) truth.push(...addTo(tail, ends, step.seed));
        }
        const bound = tail.last === 0 ? 0 : boundSeed % (tail.last + 1);
        const isHere = ({ position }: Added): boolean => position > tail.indexed;
        for (const stream of [...streams, truth.at(-1)?.stream ?? 'nothing', truth[0]?.stream ?? 'nothing']) {
          const expected = truth.filter((event) => event.stream === stream && isHere(event));
          const positions = expected.map(({ position }) => position);
          assert.deepEqual(tail.positionsOf(stream, Infinity), positions);
          assert.deepEqual(
            tail.positionsOf(stream, bound),
            positions.filter((position) => position <= bound),
          );
          assert.deepEqual(
            tail.idHashesOf(stream),
            expected.map(({ hash }) => hash),
          );
        }
        for (const name of derived) {
          const positions = truth
            .filter((event) => event.derived === name && isHere(event) && event.hash !== 0)
            .map(({ position }) => position);
          assert.deepEqual(tail.positionsOf(name, Infinity), positions);
          assert.deepEqual(
            tail.positionsOf(name, bound),
            positions.filter((position) => position <= bound),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it('has forgotten what the index has, and nothing else', () => {
    const tail = new Tail(0, undefined);
    for (let position = 1; position <= generationEvents * 2; position += 1) {
      tail.enter(position);
      tail.add(`once-${position}`, position);
    }
    tail.dropThrough(generationEvents);
    assert.equal(tail.names('').size, generationEvents);
    assert.equal(tail.indexed, generationEvents);
  });
});
