import * as fc from 'fast-check';

import { Append, AppendAll, Describe, Remove, type AppendPlan, type Expectation, type Ids } from './append-commands.ts';
import { Drain, Follow } from './follow-commands.ts';
import type { ModelLog } from './model-log.ts';
import { AskState, List, ReadAll, ReadStream, type From, type ReadPlan } from './read-commands.ts';
import { PassTime, Reopen, Scavenge } from './store-commands.ts';
import type { Command, World } from './world.ts';

const stream = fc.nat({ max: 3 });
const anyStream = fc.nat({ max: 13 });

const expectation: fc.Arbitrary<Expectation> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Expectation>('any') },
  { weight: 1, arbitrary: fc.constant<Expectation>('stream-exists') },
  { weight: 2, arbitrary: fc.constant<Expectation>('no-stream') },
  { weight: 4, arbitrary: fc.constant<Expectation>({ off: 0 }) },
  { weight: 2, arbitrary: fc.integer({ min: -3, max: 2 }).map((off): Expectation => ({ off })) },
);

const ids: fc.Arbitrary<Ids> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 4 }).map((fresh) => ({ again: undefined, fresh, freshFirst: true })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      again: fc.record({ fromEnd: fc.integer({ min: 1, max: 6 }), count: fc.integer({ min: 1, max: 3 }) }),
      fresh: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
      freshFirst: fc.boolean(),
    }),
  },
);

const appendPlan: fc.Arbitrary<AppendPlan> = fc.record({
  stream,
  expected: expectation,
  ids,
  type: fc.nat({ max: 1 }),
  isCorrelated: fc.boolean(),
  atRepeat: fc.boolean(),
});

const from: fc.Arbitrary<From> = fc.oneof(
  fc.constant<From>('default'),
  fc.nat({ max: 12 }).map((at): From => ({ at })),
  fc.nat({ max: 60 }).map((timeOf): From => ({ timeOf })),
);

const direction = fc.constantFrom<ReadPlan['direction']>('forwards', 'backwards');
const limit = fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined });
const pageSize = fc.integer({ min: 1, max: 5 });

const commands: fc.Arbitrary<Command>[] = [
  appendPlan.map((plan) => new Append(plan)),
  appendPlan.map((plan) => new Append(plan)),
  appendPlan.map((plan) => new Append(plan)),
  fc
    .tuple(
      fc.array(appendPlan, { minLength: 1, maxLength: 3 }),
      fc.option(
        fc.record({
          stream,
          expected: fc.oneof(expectation, fc.constantFrom('deleted' as const, 'tombstoned' as const)),
        }),
        { nil: undefined },
      ),
    )
    .map(([plans, check]) => new AppendAll(plans, check)),
  fc
    .record({
      stream,
      says: fc.record(
        {
          maxCount: fc.integer({ min: 1, max: 4 }),
          maxAgeMs: fc.integer({ min: 1, max: 20 }).map((seconds) => seconds * 1_000),
          owner: fc.constantFrom('us', 'them'),
        },
        { requiredKeys: [] },
      ),
      keep: fc.option(fc.integer({ min: -2, max: 4 }), { nil: undefined }),
      isMalformed: fc.nat({ max: 9 }).map((odd) => odd === 0),
    })
    .map((plan) => new Describe(plan)),
  fc
    .record({
      stream,
      expected: expectation,
      how: fc.oneof(
        { weight: 5, arbitrary: fc.constant('delete' as const) },
        { weight: 1, arbitrary: fc.constant('tombstone' as const) },
      ),
    })
    .map((plan) => new Remove(plan)),
  fc
    .record({ stream: anyStream, direction, from, limit, pageSize, links: fc.constantFrom('resolve', 'keep') })
    .map((plan) => new ReadStream(plan)),
  fc
    .record({ stream: anyStream, direction, from, limit, pageSize, links: fc.constantFrom('resolve', 'keep') })
    .map((plan) => new ReadStream(plan)),
  fc.record({ filter: fc.nat({ max: 7 }), direction, from, limit, pageSize }).map((plan) => new ReadAll(plan)),
  anyStream.map((index) => new AskState(index)),
  fc.constant(new List()),
  fc.constant(new Scavenge()),
  fc.constant(new Reopen()),
  fc.integer({ min: 1, max: 10 }).map((seconds) => new PassTime(seconds)),
  fc
    .record({
      stream: anyStream,
      after: fc.oneof(fc.nat({ max: 8 }), fc.constantFrom('start' as const, 'end' as const)),
    })
    .map((plan) => new Follow(plan)),
  fc.constant(new Drain()),
];

/** Up to so many commands, in any order. */
export function commandSequences(maxCommands: number): fc.Arbitrary<Iterable<fc.AsyncCommand<ModelLog, World>>> {
  return fc.commands(commands, { maxCommands, size: 'max' });
}
