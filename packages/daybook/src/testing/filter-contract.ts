import assert from 'node:assert/strict';

import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { Filter } from '../store/filter.ts';
import { streamName } from '../store/stream-name.ts';
import type { ContractCase, ContractSuite, Feature } from './contract-case.ts';
import { all, endOf, follow, idsOf, newCategory, one } from './contract-tools.ts';

interface Sample {
  readonly a: string;
  readonly b: string;
  readonly events: readonly RecordedEvent[];
}

interface Row {
  readonly name: string;
  readonly needs?: readonly Feature[];
  readonly filter: (sample: Sample) => Filter;
  readonly passes: (event: RecordedEvent, sample: Sample) => boolean;
}

const rows: readonly Row[] = [
  {
    name: 'a stream prefix',
    filter: ({ a }) => ({ streamPrefixes: [`${a}-1`] }),
    passes: ({ stream }, { a }) => stream.startsWith(`${a}-1`),
  },
  {
    name: 'several stream prefixes',
    filter: ({ a, b }) => ({ streamPrefixes: [`${a}-2`, `${b}-`] }),
    passes: ({ stream }, { a, b }) => stream.startsWith(`${a}-2`) || stream.startsWith(`${b}-`),
  },
  {
    name: 'a category',
    needs: ['category-filter'],
    filter: ({ a }) => ({ categories: [a] }),
    passes: ({ stream }, { a }) => stream.startsWith(`${a}-`),
  },
  {
    name: 'several categories',
    needs: ['category-filter'],
    filter: ({ a, b }) => ({ categories: [a, b] }),
    passes: ({ stream }, { a, b }) => stream.startsWith(`${a}-`) || stream.startsWith(`${b}-`),
  },
  {
    name: 'an event type',
    filter: ({ a }) => ({ eventTypes: [`${a}Placed`] }),
    passes: ({ type }, { a }) => type === `${a}Placed`,
  },
  {
    name: 'several event types',
    filter: ({ a }) => ({ eventTypes: [`${a}Placed`, `${a}Shipped`] }),
    passes: ({ type }, { a }) => type === `${a}Placed` || type === `${a}Shipped`,
  },
  {
    name: 'an event type prefix',
    filter: ({ a }) => ({ eventTypePrefixes: [`${a}Placed`] }),
    passes: ({ type }, { a }) => type.startsWith(`${a}Placed`),
  },
  {
    name: 'an expression on the stream name',
    filter: ({ a }) => ({ streamMatches: new RegExp(`^${a}-[12]`) }),
    passes: ({ stream }, { a }) => stream.startsWith(`${a}-1`) || stream.startsWith(`${a}-2`),
  },
  {
    name: 'an expression on the event type, that matches anywhere in it',
    filter: ({ a }) => ({ eventTypeMatches: new RegExp(`${a.slice(3)}.*(ped|Twice)$`) }),
    passes: ({ type }, { a }) => type === `${a}Shipped` || type === `${a}PlacedTwice`,
  },
  {
    name: 'A-P3: an event type of one category',
    needs: ['category-filter'],
    filter: ({ a, b }) => ({ categories: [b], eventTypes: [`${a}Placed`] }),
    passes: ({ stream, type }, { a, b }) => stream.startsWith(`${b}-`) && type === `${a}Placed`,
  },
  {
    name: 'a stream prefix with event type prefixes',
    filter: ({ a }) => ({ streamPrefixes: [`${a}-1`], eventTypePrefixes: [`${a}Sh`, `${a}PlacedT`] }),
    passes: ({ stream, type }, { a }) => stream.startsWith(`${a}-1`) && type === `${a}Shipped`,
  },
  {
    name: 'a category and an expression on the event type',
    needs: ['category-filter'],
    filter: ({ a }) => ({ categories: [a], eventTypeMatches: /(ed|Twice)$/ }),
    passes: ({ stream, type }, { a }) => stream.startsWith(`${a}-`) && /(ed|Twice)$/.test(type),
  },
  {
    name: 'no stream prefix that is there',
    filter: ({ a }) => ({ streamPrefixes: [`${a}-9`] }),
    passes: () => false,
  },
];

/** What filters let through, in reads and in subscriptions. */
export const filterContract: ContractSuite = {
  name: 'filters',
  cases: [
    ...rows.map(({ name, needs = [], filter, passes }): ContractCase => ({
      name: `${name}: a filter lets through exactly that, in both directions`,
      needs,
      run: async ({ store }) => {
        const sample = await append(store);
        const expected = idsOf(sample.events.filter((event) => passes(event, sample)));
        const given = filter(sample);
        assert.deepEqual(idsOf(await all(store.readAll({ filter: given }))), expected);
        assert.deepEqual(
          idsOf(await all(store.readAll({ filter: given, direction: 'backwards', limit: 2 }))),
          expected.toReversed().slice(0, 2),
        );
      },
    })),
    ...rows.map(({ name, needs = [], filter, passes }): ContractCase => ({
      name: `${name}: a filter lets through the same in a subscription, before and after it has caught up`,
      needs,
      run: async ({ store }) => {
        const after = await endOf(store);
        const categories = [newCategory(), newCategory()] as const;
        const early = await append(store, categories);
        const given = filter(early);
        await using following = follow(store.subscribeToAll({ after, filter: given }));
        const caughtUp = await following.until('caught-up');
        const history = caughtUp.flatMap((message) => (message.kind === 'event' ? [message.event] : []));
        assert.deepEqual(idsOf(history), idsOf(early.events.filter((event) => passes(event, early))));
        const late = await append(store, categories);
        const expected = idsOf(late.events.filter((event) => passes(event, late)));
        assert.deepEqual(idsOf(await following.events(expected.length)), expected);
      },
    })),
  ],
};

/** Twelve events in streams of two categories, of four types that begin with the first category. */
async function append(store: EventStore, categories = [newCategory(), newCategory()] as const): Promise<Sample> {
  const [a, b] = categories;
  const after = await endOf(store);
  for (const category of categories) {
    for (const id of ['1', '12', '2']) {
      const stream = streamName(`${category}-${id}`);
      await store.append(stream, [one(`${a}Placed`), one(`${a}Shipped`)], { expected: 'any' });
    }
  }
  await store.append(streamName(`${a}-3`), [one(`${a}PlacedTwice`), one(`${b}Other`)], { expected: 'any' });
  const events = await all(store.readAll({ filter: { streamPrefixes: [`${a}-`, `${b}-`] } }));
  return { a, b, events: events.filter(({ position }) => position > after) };
}
