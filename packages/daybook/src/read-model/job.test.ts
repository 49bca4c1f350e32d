import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { jobOf, Pace, type Steps } from './job.ts';

/** A clock that a test sets. */
function paceAt(total?: number): { readonly pace: Pace; readonly at: (ms: number) => void } {
  let now = 5_000;
  const pace = new Pace('folding', { total, monotonicMs: () => now });
  return { pace, at: (ms) => (now = 5_000 + ms) };
}

/** Two steps that say when they let go of what they hold. */
async function* steps(left: string[]): Steps<string> {
  const pace = new Pace('comparing', { total: 2 });
  try {
    yield pace.advance(1);
    yield pace.advance(1);
    return 'all';
  } finally {
    left.push('released');
  }
}

describe('the pace of a phase', () => {
  it('O-12 says how much is done, how fast that went, and how long the rest takes if it goes on so', () => {
    const { pace, at } = paceAt(1_000);
    at(500);
    const first = { phase: 'folding', done: 100, total: 1_000, perSecond: 200, remainingMs: 4_500 };
    assert.deepEqual(pace.advance(100), first);
    at(1_000);
    assert.deepEqual(pace.advance(400), { ...first, done: 500, perSecond: 500, remainingMs: 1_000 });
    at(4_000);
    assert.deepEqual(pace.advance(500), { ...first, done: 1_000, perSecond: 250, remainingMs: 0 });
  });

  it('O-12 says no rest where nobody knows how much there is, or nothing is done yet', () => {
    const unknown = paceAt();
    unknown.at(100);
    const { total, perSecond, remainingMs } = unknown.pace.advance(10);
    assert.deepEqual([total, perSecond, remainingMs], [undefined, 100, undefined]);
    const nothing = paceAt(10);
    nothing.at(100);
    assert.equal(nothing.pace.advance(0).remainingMs, undefined);
  });

  it('O-12 is never negative when more came than was there, and a number when no time has passed', () => {
    const { pace } = paceAt(10);
    const { done, perSecond, remainingMs } = pace.advance(15);
    assert.deepEqual([done, perSecond, remainingMs], [15, 15_000, 0]);
  });
});

describe('a job', () => {
  it('gives its result at once or after it was followed, and only then has released what it held', async () => {
    const left: string[] = [];
    assert.equal(await jobOf(steps(left)).result(), 'all');
    const job = jobOf(steps(left));
    const done: number[] = [];
    for await (const progress of job) done.push(progress.done);
    assert.deepEqual([done, await job.result(), await job.result()], [[1, 2], 'all', 'all']);
    assert.deepEqual(left, ['released', 'released']);
  });

  it('that is left in the middle releases what it held, and has no result', async () => {
    const left: string[] = [];
    const job = jobOf(steps(left));
    for await (const _ of job) break;
    assert.deepEqual(left, ['released']);
    await assert.rejects(job.result(), TypeError);
  });
});
