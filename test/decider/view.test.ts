import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { jsonEvent, streamName } from 'daybook';
import { combineViews, events, fold, load, streamOf, trusted, view, type DomainEvent } from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import { goldenEvents, goldenSample, goldenStream } from 'daybook/testing';
import * as fc from 'fast-check';

import { Order, shipmentStatus } from './support/order.ts';

const golden: readonly DomainEvent[] = goldenSample.map(({ type, json }) => ({ type, data: JSON.parse(json) }));
const untouched = { orderId: '123456789', isShipped: false, shippedOn: undefined, isEmailSent: false };

const Ledger = events('Ledger', {
  MoneyPaidIn: trusted<{ amount: number }>(),
  AmountCorrected: trusted<{ amount: number }>(),
  OwnerNamed: trusted<{ owner: string }>(),
});
const balance = view(Ledger, {
  initial: () => 0,
  evolve: {
    MoneyPaidIn: (state, { data }) => state + data.amount,
    AmountCorrected: (_state, { data }) => data.amount,
  },
});
const owner = view(Ledger, {
  initial: (id) => ({ id, owner: 'nobody' }),
  evolve: { OwnerNamed: (state, { data }) => ({ ...state, owner: data.owner }) },
});

const named = (name: string, version?: number): typeof balance =>
  view(Ledger, { name, version, initial: () => 0, evolve: {} });

const someEvent: fc.Arbitrary<DomainEvent> = fc.oneof(
  fc.integer({ min: -9, max: 9 }).map((amount) => ({ type: 'MoneyPaidIn', data: { amount } })),
  fc.integer({ min: -9, max: 9 }).map((amount) => ({ type: 'AmountCorrected', data: { amount } })),
  fc.string().map((name) => ({ type: 'OwnerNamed', data: { owner: name } })),
  fc.string().map((type) => ({ type: `Strange${type}`, data: null })),
);

describe('a view', () => {
  it('A-F5: of the golden sample knows that it was shipped, when, and that the mail was sent', async () => {
    assert.deepEqual(fold(shipmentStatus, '123456789', golden), {
      ...untouched,
      isShipped: true,
      shippedOn: '2016-08-08T22:10:00.0000000Z',
      isEmailSent: true,
    });
    await using store = openMemoryStore();
    await store.append(streamName(goldenStream), goldenEvents(), { expected: 'no-stream' });
    const loaded = await load(store, shipmentStatus, '123456789');
    assert.deepEqual(loaded.state, fold(shipmentStatus, '123456789', golden));
    assert.deepEqual([loaded.stream, loaded.revision, loaded.ageMs], [goldenStream, 2n, 0]);
    assert.equal(loaded.position, (await store.head()).position);
  });

  it('A-F2: begins with a state that knows the id', async () => {
    await using store = openMemoryStore();
    const { state, revision, position } = await load(store, shipmentStatus, '123456789');
    assert.deepEqual(state, untouched);
    assert.deepEqual([revision, position], [undefined, undefined]);
  });

  it('A-F1: gives the same state for the same events, however they are cut in two', () => {
    fc.assert(
      fc.property(fc.array(someEvent, { maxLength: 30 }), fc.nat(), (history, cut) => {
        const whole = fold(balance, 'a', history);
        assert.equal(fold(balance, 'a', history), whole);
        const at = cut % (history.length + 1);
        const first = fold(balance, 'a', history.slice(0, at));
        assert.equal(
          history.slice(at).reduce((state, event) => balance.evolve(state, event), first),
          whole,
        );
      }),
    );
  });

  it('A-F3, A-F4: is left as it is by events that it does not name, whatever they are called', () => {
    const strange = ['AwaitingShipment', 'Unheard', 'toString', '__proto__', 'constructor', ''];
    const state = fold(
      shipmentStatus,
      '123456789',
      strange.map((type) => ({ type, data: null })),
    );
    assert.deepEqual(state, untouched);
  });

  it('A-F6: is one of several over the same stream, and decodes only what it needs', async () => {
    await using store = openMemoryStore();
    const broken = { ...jsonEvent({ type: 'AwaitingShipment', data: 0 }), data: new Uint8Array([0xff]) };
    await store.append(streamName(goldenStream), [broken, ...goldenEvents().slice(1)], { expected: 'no-stream' });
    const docks = view(Order, {
      initial: () => new Array<string>(),
      evolve: { AwaitingShipment: (state, { data }) => [...state, data.dock] },
    });
    assert.ok((await load(store, shipmentStatus, '123456789')).state.isShipped);
    await assert.rejects(load(store, docks, '123456789'), { code: 'event-not-json' });
    assert.deepEqual(fold(docks, '123456789', golden), ['12']);
  });

  it('A-F8: is a ledger: a later event corrects an earlier one, and the earlier one stays', async () => {
    await using store = openMemoryStore();
    const history = [Ledger.MoneyPaidIn({ amount: 100 }), Ledger.AmountCorrected({ amount: 10 })];
    await store.append(streamOf(Ledger, 'a'), history.map(jsonEvent), { expected: 'no-stream' });
    assert.equal((await load(store, balance, 'a')).state, 10);
    assert.equal((await load(store, balance, 'a', { asOf: { revision: 0n } })).state, 100);
    assert.equal((await store.streamState(streamOf(Ledger, 'a'))).revision, 1n);
  });

  it('A-E11: is not shown what metadata an event has', async () => {
    await using store = openMemoryStore();
    const seen: unknown[] = [];
    const spy = view(Ledger, {
      initial: () => 0,
      evolve: {
        MoneyPaidIn: (state, event) => {
          seen.push(event);
          return state;
        },
      },
    });
    const event = jsonEvent({ ...Ledger.MoneyPaidIn({ amount: 1 }), metadata: { by: 'ann' } });
    await store.append(streamOf(Ledger, 'a'), [event], { expected: 'any' });
    await load(store, spy, 'a');
    assert.deepEqual(seen, [{ type: 'MoneyPaidIn', data: { amount: 1 } }]);
  });

  it('may have a state that is nothing', () => {
    const last = view(Ledger, {
      initial: (): string | undefined => 'x',
      evolve: { MoneyPaidIn: () => undefined },
    });
    assert.equal(fold(last, 'a', [Ledger.MoneyPaidIn({ amount: 1 })]), undefined);
  });

  it('is refused when it names an event that nobody declared', () => {
    const evolve = { MoneyGone: (state: number) => state };
    // @ts-expect-error -- There is no such event.
    assert.throws(() => view(Ledger, { initial: () => 0, evolve }), { code: 'invalid-option', option: 'evolve' });
    assert.throws(() => view([], { initial: () => 0, evolve: {} }), { code: 'invalid-option' });
    for (const name of ['a b', '', 'a-b', '$a']) {
      assert.throws(() => view(Ledger, { name, initial: () => 0, evolve: {} }), { code: 'invalid-option' });
    }
    assert.throws(() => view(Ledger, { name: 'a', version: 0, initial: () => 0, evolve: {} }), /version/);
  });

  it('can see the events of several definitions', () => {
    const Audit = events('Ledger', { LedgerAudited: trusted<{ by: string }>() });
    const both = view([Ledger, Audit], {
      initial: () => '',
      evolve: {
        MoneyPaidIn: (state, { data }) => `${state}+${data.amount}`,
        LedgerAudited: (state, { data }) => `${state} seen by ${data.by}`,
      },
    });
    const history = [Ledger.MoneyPaidIn({ amount: 1 }), Audit.LedgerAudited({ by: 'ann' })];
    assert.equal(fold(both, 'a', history), '+1 seen by ann');
    const Twice = events('Ledger', { MoneyPaidIn: trusted<{ amount: number }>() });
    const evolve = { MoneyPaidIn: (state: number) => state };
    assert.throws(() => view([Ledger, Twice], { initial: () => 0, evolve }), /MoneyPaidIn is declared twice/);
  });
});

describe('views combined', () => {
  it('A-F11: are one wide state, the same as each of them alone, in any history', () => {
    const account = combineViews({ balance, owner });
    fc.assert(
      fc.property(fc.array(someEvent, { maxLength: 30 }), (history) => {
        assert.deepEqual(fold(account, 'a', history), {
          balance: fold(balance, 'a', history),
          owner: fold(owner, 'a', history),
        });
      }),
    );
  });

  it('A-F11: hold a hundred parts made of a hundred event types, and an event touches only its own', () => {
    const names = Array.from({ length: 100 }, (_, index) => `Thing${index}Changed`);
    const Wide = events('Wide', Object.fromEntries(names.map((name) => [name, trusted<{ to: number }>()])));
    const parts = names.map((name) => [
      name,
      view(Wide, { initial: () => ({ to: -1 }), evolve: { [name]: (_state, { data }) => ({ to: data.to }) } }),
    ]);
    const wide = combineViews(Object.fromEntries(parts) as Record<string, typeof balance>);
    const before = fold(wide, 'a', []);
    const after = fold(
      wide,
      'a',
      names.map((type, to) => ({ type, data: { to } })),
    );
    assert.deepEqual(
      Object.values(after),
      names.map((_, to) => ({ to })),
    );
    const touched = wide.evolve(before, { type: 'Thing7Changed', data: { to: 1 } });
    assert.deepEqual(
      names.filter((name) => touched[name] !== before[name]),
      ['Thing7Changed'],
    );
    assert.equal(wide.evolve(before, { type: 'Unheard', data: 0 }), before);
  });

  it('are kept under a name when all of them have one', () => {
    assert.deepEqual(combineViews({ a: named('A'), b: named('B', 2) }).key, 'a=A@1+b=B@2');
    assert.equal(combineViews({ a: named('A'), b: balance }).isNamed, false);
    assert.equal(combineViews({ a: balance }, { name: 'Both', version: 3 }).key, 'Both@3');
    assert.notEqual(combineViews({ a: balance }).key, combineViews({ a: balance }).key);
  });

  it('are refused when they mean different events by one type, and when there are none', () => {
    const Twice = events('Ledger', { MoneyPaidIn: trusted<{ amount: string }>() });
    const other = view(Twice, { initial: () => '', evolve: { MoneyPaidIn: (_state, { data }) => data.amount } });
    assert.throws(() => combineViews({ balance, other }), /different events by MoneyPaidIn/);
    assert.throws(() => combineViews({}), { code: 'invalid-option' });
  });
});
