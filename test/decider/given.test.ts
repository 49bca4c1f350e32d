import assert, { AssertionError } from 'node:assert/strict';
import { describe, it } from 'node:test';

import { command, events, nothing, refuse, trusted, view, type StandardSchema } from 'daybook/decider';
import { given } from 'daybook/testing';
import { z } from 'zod';

import { Order, recordEmail } from './support/order.ts';

const shipped = Order.OrderShipped({ carrier: 'fedex', tracking_number: 'abc123', shipped_on: '2016-08-08' });
const mailed = Order.ShipmentEmailSent({ customer_email: 'a@b.c', subject: 'Your order shipped!' });

const Account = events(
  'Account',
  { MoneyPaidIn: z.object({ amount: z.number(), at: z.string().transform((text) => new Date(text)) }) },
  { upcast: { MoneyPaidIn: [({ sum }: { sum: number }) => ({ amount: sum, at: '2000-01-01' })] } },
);
const balance = view(Account, {
  initial: (id) => ({ id, sum: 0, last: undefined as Date | undefined }),
  evolve: { MoneyPaidIn: (state, { data }) => ({ ...state, sum: state.sum + data.amount, last: data.at }) },
});
const paid = (amount: number): { type: 'MoneyPaidIn'; data: { amount: number; at: string } } => ({
  type: 'MoneyPaidIn',
  data: { amount, at: '2026-01-01' },
});
const payIn = command(balance, z.object({ amount: z.number() }), ({ amount }, { sum }) => {
  if (sum + amount > 100) return refuse('too-rich', { sum });
  return amount === 0 ? nothing : [paid(amount)];
});

/** The message with which a test of a command fails. */
function failure(test: () => unknown): string {
  try {
    test();
  } catch (error) {
    assert.ok(error instanceof AssertionError, String(error));
    return error.message;
  }
  return assert.fail('it did not fail');
}

describe('given, when, then', () => {
  it('A-I12: hold for what the mission says: mail once, and not before the shipment', () => {
    given(recordEmail, [shipped]).when({ to: 'a@b.c' }).then([mailed]).again();
    given(recordEmail).when({ to: 'a@b.c' }).thenRefused('not-shipped');
    given(recordEmail, [shipped, mailed]).when({ to: 'a@b.c' }).thenNothing();
  });

  it("show events to their schemas as a store would, in today's shape", () => {
    const isDated = command(balance, trusted<object>(), (_input, { last }) =>
      last instanceof Date ? refuse(last.toISOString()) : nothing,
    );
    given(isDated, [paid(1)])
      .when({})
      .thenRefused('2026-01-01T00:00:00.000Z');
    given(isDated).when({}).thenNothing();
  });

  it('compare facts of a refusal when they are asked for', () => {
    given(payIn, [paid(50)])
      .when({ amount: 51 })
      .thenRefused('too-rich');
    given(payIn, [paid(50)])
      .when({ amount: 51 })
      .thenRefused('too-rich', { sum: 50 });
    assert.match(
      failure(() =>
        given(payIn, [paid(50)])
          .when({ amount: 51 })
          .thenRefused('too-rich', { sum: 51 }),
      ),
      /it decided a refusal: too-rich \{ sum: 50 \}\n {2}not {2}a refusal: too-rich \{ sum: 51 \}/,
    );
  });

  it('know the id of the thing', () => {
    const whoAmI = command(balance, trusted<object>(), (_input, { id }) => refuse(id));
    given(whoAmI, [], { id: '42' }).when({}).thenRefused('42');
  });

  it('fail with the whole story and the difference', () => {
    const message = failure(() => given(recordEmail, [shipped]).when({ to: 'x@y.z' }).then([mailed]));
    const [story = '', difference = ''] = message.split('\n\n', 2);
    assert.equal(
      story,
      [
        'Given  OrderShipped {"carrier":"fedex","tracking_number":"abc123","shipped_on":"2016-08-08"} in CustomerOrder-1',
        "When   the command { to: 'x@y.z' }",
        'Then   it decided ShipmentEmailSent {"customer_email":"x@y.z","subject":"Your order shipped!"}',
        '  not  ShipmentEmailSent {"customer_email":"a@b.c","subject":"Your order shipped!"}',
      ].join('\n'),
    );
    assert.match(difference + message, /\+ +customer_email: 'x@y\.z'[^]*- +customer_email: 'a@b\.c'/);
  });

  it('fail when something else came out', () => {
    const wrong: readonly (() => unknown)[] = [
      () => given(recordEmail).when({ to: 'a@b.c' }).then([mailed]),
      () => given(recordEmail).when({ to: 'a@b.c' }).then([]),
      () => given(recordEmail).when({ to: 'a@b.c' }).thenNothing(),
      () => given(recordEmail, [shipped]).when({ to: 'a@b.c' }).then([]),
      () => given(recordEmail, [shipped]).when({ to: 'a@b.c' }).then([mailed, mailed]),
      () => given(recordEmail, [shipped]).when({ to: 'a@b.c' }).thenNothing(),
      () => given(recordEmail, [shipped]).when({ to: 'a@b.c' }).thenRefused('not-shipped'),
      () => given(recordEmail, [shipped, mailed]).when({ to: 'a@b.c' }).then([mailed]),
      () =>
        given(payIn, [paid(50)])
          .when({ amount: 51 })
          .thenRefused('other' as 'too-rich'),
    ];
    for (const test of wrong) assert.match(failure(test), /^Given {2}.*\nWhen {3}.*\nThen {3}it decided /s);
  });

  it('fail when a command that was done is done again', () => {
    const message = failure(() =>
      given(payIn)
        .when({ amount: 5 })
        .then([paid(5)])
        .again(),
    );
    assert.match(message, /it decided MoneyPaidIn .*\n {2}not {2}nothing/);
  });

  it('find out a decision that depends on more than input and state', () => {
    let count = 0;
    const moody = command(balance, trusted<object>(), () => [paid(count++)]);
    assert.match(
      failure(() => given(moody).when({})),
      /decided twice on one state, and not the same/,
    );
  });

  it('find out a function that changes a state', () => {
    const list = view(Account, {
      initial: () => new Array<number>(),
      evolve: {
        MoneyPaidIn: (state, { data }) => {
          state.push(data.amount);
          return state;
        },
      },
    });
    const count = command(list, trusted<object>(), () => nothing);
    assert.throws(() => given(count, [paid(1)]).when({}), /object is not extensible/);
    const greedy = command(balance, trusted<object>(), (_input, state) => {
      state.sum += 1;
      return nothing;
    });
    assert.throws(() => given(greedy).when({}), /read only property 'sum'/);
  });

  it('refuse input and events that do not fit their schemas', () => {
    assert.throws(() => given(payIn).when({ amount: NaN }), { code: 'invalid-command-input' });
    // @ts-expect-error -- No amount.
    assert.throws(() => given(payIn, [{ type: 'MoneyPaidIn', data: {} }]), { code: 'invalid-event-data' });
  });

  it('say so when they are awaited, or a schema takes its time', async () => {
    await assert.rejects(async () => {
      const story: unknown = given(payIn).when({ amount: 1 });
      await story;
    }, /is no promise: do not await it/);
    const slow: StandardSchema<string> = {
      '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('down')) },
    };
    const late = command(balance, slow, () => nothing);
    assert.throws(
      () => given(late).when('a'),
      /The schema of the input takes its time\. Test this command with handle/,
    );
  });
});
