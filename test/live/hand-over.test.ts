import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import * as fc from 'fast-check';

import { LiveHub } from '../../packages/daybook/src/internal/live-hub.ts';
import { againWith, seedOfRun } from '../linearizability/random.ts';
import { size } from '../size.ts';
import { ScheduledLog, type Kind, type Step } from './scheduled-log.ts';

/** How many interleavings. */
const runs = size(2_000);
/** So many are enough to find a mutant, mostly the first ones. */
const runsOfMutant = 2_000;
const seed = seedOfRun();

interface Plan {
  readonly kind: Kind;
  readonly steps: readonly Step[];
  /** After how many pages the subscriber leaves and comes back. */
  readonly stays: readonly number[];
}

const step: fc.Arbitrary<Step> = fc.record({
  stream: fc.constantFrom(0 as const, 1 as const),
  events: fc.integer({ min: 1, max: 4 }),
  isSkipped: fc.nat({ max: 7 }).map((odd) => odd === 0),
});
const plan: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom<Kind>('stream', 'category', 'all'),
  steps: fc.array(step, { minLength: 1, maxLength: 8 }),
  stays: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
});

/** Whatever happens when, a subscriber that comes and goes gets each event once and in order. */
function neitherGapNorRepeat(newHub: () => LiveHub): fc.IAsyncProperty<[fc.Scheduler, Plan]> {
  return fc.asyncProperty(fc.scheduler(), plan, async (scheduler, { kind, steps, stays }) => {
    using hub = newHub();
    const log = new ScheduledLog(hub, scheduler);
    const controller = new AbortController();
    const following = log.follow(kind, { stays, signal: controller.signal });
    const writing = log.write(steps);
    await scheduler.waitIdle();
    await writing;
    // Nothing moves any more: who has not got everything by now never will.
    controller.abort();
    await scheduler.waitIdle();
    assert.deepEqual(await following, log.expected(kind));
    assert.deepEqual([hub.subscribers, hub.waiting], [0, 0]);
  });
}

/** Who subscribes to it believes that nothing was published while the last page was on its way. */
class ForgetfulHub extends LiveHub {
  override get last(): LiveHub['last'] {
    return 0n as LiveHub['last']; // Before all positions.
  }
}

/** It does not tell those who wait that they missed something. */
class SilentHub extends LiveHub {
  override skip(to: LiveHub['last']): void {
    if (this.subscribers === 0) super.skip(to);
  }
}

describe('R12: the hand-over from pages to live events', () => {
  it('has no gap and no repeat, in whatever order things happen', async (t) => {
    t.diagnostic(againWith(import.meta.url, seed));
    await fc.assert(
      neitherGapNorRepeat(() => new LiveHub()),
      { numRuns: runs, seed },
    );
  });

  it('a subscription that begins to listen only after it has read is found', async () => {
    const result = await fc.check(
      neitherGapNorRepeat(() => new ForgetfulHub()),
      { numRuns: runsOfMutant, seed, endOnFailure: true },
    );
    assert.ok(result.failed);
  });

  it('a subscription that is not told what was skipped is found', async () => {
    const result = await fc.check(
      neitherGapNorRepeat(() => new SilentHub()),
      { numRuns: runsOfMutant, seed, endOnFailure: true },
    );
    assert.ok(result.failed);
  });
});
