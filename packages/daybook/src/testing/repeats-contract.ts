import assert from 'node:assert/strict';

import type { EventStore } from '../store/event-store.ts';
import type { NewEvent } from '../store/event.ts';
import type { ExpectedRevision } from '../store/expected-revision.ts';
import type { Appended } from '../store/options.ts';
import { revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { ContractCase, ContractSuite } from './contract-case.ts';
import { idsIn, idsOf, newStream, numbered, one, read, refused } from './contract-tools.ts';

/** Appends that come twice. `1e0` is event 1 where revision 0 is expected, `0any` is event 0 wherever it falls. */
interface Row {
  /** Appended first, one after the other. An append of several events has them in brackets: `[0 1]em1`. */
  readonly given: string;
  readonly again: readonly string[];
  /** `repeated`: the first answer again. */
  readonly outcome: 'repeated' | 'appended' | 'refused';
  readonly events: number;
  readonly needs?: ContractCase['needs'];
}

const six = '0em1 1e0 2e1 3e2 4e3 5e4';
const anywhere = ['repeats-anywhere'] as const;

/** The table that KurrentDB's tests fix, and what Daybook promises beyond it. */
const rows: readonly Row[] = [
  { given: six, again: ['0em1'], outcome: 'repeated', events: 6 },
  { given: six, again: ['0any', '3any', '5any'], outcome: 'repeated', events: 6 },
  { given: six, again: ['2e1', '5e4'], outcome: 'repeated', events: 6 },
  { given: six, again: ['0e5'], outcome: 'appended', events: 7 },
  { given: six, again: ['0e6'], outcome: 'refused', events: 6 },
  { given: six, again: ['0e4'], outcome: 'refused', events: 6 },
  { given: '0em1', again: ['0e0'], outcome: 'appended', events: 2 },
  { given: '0em1', again: ['0any', '0em1'], outcome: 'repeated', events: 1 },
  { given: '0em1 1e0 2e1', again: ['[1 1]any'], outcome: 'repeated', events: 3 },
  { given: '0em1 1e0 2e1', again: ['1any', '1any'], outcome: 'repeated', events: 3 },
  { given: '[0 1]em1', again: ['0em1', '0any', '1e0', '1any', '[0 1]em1', '[0 1]any'], outcome: 'repeated', events: 2 },
  { given: '[0 1]em1', again: ['[0 1 2]em1', '[0 2]em1', '[1 2]e0'], outcome: 'refused', events: 2 },
  { given: '0em1 1e0', again: ['2em1', '2e0'], outcome: 'refused', events: 2 },
  { given: '[0 1]em1', again: ['[0 1 2]any', '[1 2]any'], outcome: 'refused', events: 2 },
  { given: '[0 1]em1', again: ['0exists', '1exists', '[0 1]exists'], outcome: 'repeated', events: 2, needs: anywhere },
  { given: '[0 1]em1', again: ['[2 0]any', '[1 0]any', '[2 1]exists'], outcome: 'refused', events: 2, needs: anywhere },
  { given: '[0 1 2]em1', again: ['[0 2]any'], outcome: 'refused', events: 3, needs: anywhere },
];

/** What an append that comes a second time does. */
export const repeatsContract: ContractSuite = {
  name: 'repeats',
  cases: [
    ...rows.map(tableCase),
    {
      name: 'A-I6: the same id at the same place is not stored again, and the first answer comes back',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(2), { expected: 'no-stream' });
        const event = one('Sent');
        const first = await store.append(stream, [event], { expected: revision(1) });
        await store.append(stream, numbered(3), { expected: revision(2) });
        const again = await store.append(stream, [event], { expected: revision(1) });
        assert.deepEqual(placeOf(again), placeOf(first));
        assert.equal((await read(store, stream)).length, 6);
      },
    },
    {
      name: 'an answer says whether the append was a repeat',
      needs: ['outcome'],
      run: async ({ store }) => {
        const stream = newStream();
        const events = numbered(2);
        const first = await store.append(stream, events, { expected: 'no-stream' });
        const again = await store.append(stream, events, { expected: 'no-stream' });
        assert.deepEqual([first.outcome, again.outcome], ['appended', 'repeated']);
        assert.deepEqual({ ...again, outcome: 'appended' }, first);
      },
    },
    {
      name: "A-I7: a repeat is known with every way to expect, under 'any' as long as the event is in the stream",
      needs: anywhere,
      run: async ({ store }) => {
        const stream = newStream();
        const event = one('Sent');
        const first = await store.append(stream, [event], { expected: 'no-stream' });
        for (let i = 0; i < 5; i += 1) await store.append(stream, numbered(1_000), { expected: 'any' });
        for (const expected of ['no-stream', 'any', 'stream-exists'] as const) {
          const again = await store.append(stream, [event], { expected });
          assert.deepEqual(placeOf(again), placeOf(first));
        }
        assert.equal((await store.streamState(stream)).revision, 5_000n);
      },
    },
    {
      name: 'ids are compared, never contents: a repeat changes nothing that is stored',
      run: async ({ store }) => {
        const stream = newStream();
        const event = one('Sent');
        await store.append(stream, [event], { expected: 'no-stream' });
        const before = await read(store, stream);
        const other: NewEvent = { ...one('Other'), id: event.id };
        await store.append(stream, [other], { expected: 'no-stream' });
        await store.append(stream, [other], { expected: 'any' });
        assert.deepEqual(await read(store, stream), before);
      },
    },
    {
      name: 'an id in upper case is the same id',
      run: async ({ store }) => {
        const stream = newStream();
        const event = one('Sent');
        await store.append(stream, [event], { expected: 'no-stream' });
        await store.append(stream, [{ ...event, id: event.id.toUpperCase() }], { expected: 'no-stream' });
        await store.append(stream, [{ ...event, id: event.id.toUpperCase() }], { expected: 'any' });
        assert.deepEqual(await idsIn(store, stream), [event.id]);
      },
    },
    {
      name: 'the same append 100 times at once is stored once, and each gets the same answer',
      run: async ({ store }) => {
        const stream = newStream();
        const events = numbered(3);
        const answers = await Promise.all(
          Array.from({ length: 100 }, () => store.append(stream, events, { expected: 'no-stream' })),
        );
        for (const answer of answers) assert.deepEqual(placeOf(answer), placeOf(answers[0]!));
        assert.deepEqual(await idsIn(store, stream), idsOf(events));
      },
    },
    {
      name: "a repeat after a deletion goes by place only: under 'any' a hidden event does not count",
      needs: anywhere,
      run: async ({ store }) => {
        const stream = newStream();
        const event = one('Sent');
        await store.append(stream, [event], { expected: 'no-stream' });
        await store.deleteStream(stream, { expected: 'any' });
        const again = await store.append(stream, [event], { expected: 'any' });
        assert.equal(again.revision, 1n);
      },
    },
    {
      name: 'a repeat is known after the store was opened again',
      needs: ['durability'],
      run: async ({ store, reopen }) => {
        const stream = newStream();
        const events = numbered(3);
        const first = await store.append(stream, events, { expected: 'no-stream' });
        const opened = await reopen();
        for (const expected of ['no-stream', 'any'] as const) {
          assert.deepEqual(placeOf(await opened.append(stream, events, { expected })), placeOf(first));
        }
        assert.deepEqual(await idsIn(opened, stream), idsOf(events));
      },
    },
  ],
};

function tableCase({ given, again, outcome, events, needs = [] }: Row): ContractCase {
  const said = { repeated: 'a repeat', appended: 'new', refused: 'refused' }[outcome];
  return {
    name: `after ${given}, ${again.join(' and ')} ${again.length > 1 ? 'are' : 'is'} ${said}`,
    needs,
    run: async ({ store }) => {
      const stream = newStream();
      const known = numbered(10);
      const places = new Map<string, Appended['position']>();
      for (const text of given.match(/\[.*?\]\w+|\w+/g) ?? []) await appendText(store, { stream, known, text });
      for (const { id, position } of await read(store, stream)) places.set(id, position);
      for (const text of again) {
        const appending = (): Promise<Appended> => appendText(store, { stream, known, text });
        if (outcome === 'refused') {
          await refused('wrong-expected-revision', appending);
          continue;
        }
        const answer = await appending();
        const last = known[Number(/(\d)(?:\]|e|any)/.exec(text)?.[1])]?.id ?? '';
        if (outcome === 'repeated') assert.equal(answer.position, places.get(last));
        else assert.equal(answer.revision, BigInt(events - 1));
      }
      assert.equal((await read(store, stream)).length, events);
    },
  };
}

/** Appends what a text such as `[0 1]em1` says. */
async function appendText(
  store: EventStore,
  { stream, known, text }: { stream: StreamName; known: readonly NewEvent[]; text: string },
): Promise<Appended> {
  const [, several, single, where = ''] = /^(?:\[(.*)\]|(\d))(.*)$/.exec(text) ?? [];
  const events = (several ?? single ?? '').split(' ').map((index) => known[Number(index)]!);
  return store.append(stream, events, { expected: expectedIn(where) });
}

function expectedIn(where: string): ExpectedRevision {
  if (where === 'any') return 'any';
  if (where === 'exists') return 'stream-exists';
  return where === 'em1' ? 'no-stream' : revision(Number(where.slice(1)));
}

function placeOf({ firstRevision, revision: last, position }: Appended): object {
  return { firstRevision, last, position };
}
