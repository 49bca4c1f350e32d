import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { jsonEvent, streamName, type DecodedEvent, type EventStore, type Position } from 'daybook';
import { openMemoryStore } from 'daybook/memory';
import { readModel, runReadModel, verifyReadModel, type Drift, type Handler, type ReadModel } from 'daybook/read-model';
import { sql, type Kysely } from 'kysely';

import { databaseKinds, databaseKindsOfLongTests, type DatabaseKind } from './databases.ts';

interface AccountTables {
  readonly balances: { readonly account: string; readonly balance: number; readonly largest: number };
  readonly factors: { readonly account: string; readonly factor: number };
}
type AccountHandler = Handler<DecodedEvent, AccountTables>;

const factor = 3;
/** No sum of some of them is that of others. */
const amounts = Array.from({ length: 20 }, (_, index) => 2 ** index);
const account = 'Account-1';

/** Writes two tables, and one of them is looked at by what comes later. */
const opened: AccountHandler = async (event, tx) => {
  await tx.insertInto('balances').values({ account: event.stream, balance: 0, largest: 0 }).execute();
  await tx.insertInto('factors').values({ account: event.stream, factor }).execute();
};

const paid: AccountHandler = async (event, tx) => {
  const { amount } = event.data as { readonly amount: number }; // Written below.
  const balances = tx.updateTable('balances').where('account', '=', event.stream);
  const known = await tx.selectFrom('factors').select('factor').where('account', '=', event.stream).executeTakeFirst();
  await balances.set({ balance: sql`balance + ${amount * (known?.factor ?? 0)}` }).execute();
  // One statement more than those before it have made.
  if (amount === amounts[10]) await balances.set({ largest: amount }).execute();
};

const closed: AccountHandler = async (event, tx) => {
  await tx.deleteFrom('balances').where('account', '=', event.stream).execute();
  await tx.deleteFrom('factors').where('account', '=', event.stream).execute();
};

function accounts(): ReadModel {
  return readModel('accounts', {
    from: ['$ce-Account'],
    tables: { balances: { key: ['account'] }, factors: { key: ['account'] } },
    migrate: async (db: Kysely<AccountTables>) => {
      await db.schema
        .createTable('balances')
        .addColumn('account', 'varchar(40)', (column) => column.primaryKey())
        .addColumn('balance', 'integer', (column) => column.notNull())
        .addColumn('largest', 'integer', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('factors')
        .addColumn('account', 'varchar(40)', (column) => column.primaryKey())
        .addColumn('factor', 'integer', (column) => column.notNull())
        .execute();
    },
    on: { Opened: opened, Paid: paid, Closed: closed },
  });
}

async function appendAccount(store: EventStore): Promise<Position> {
  const events = [
    jsonEvent({ type: 'Opened', data: {} }),
    ...amounts.map((amount) => jsonEvent({ type: 'Paid', data: { amount } })),
  ];
  return (await store.append(streamName(account), events, { expected: 'no-stream' })).position;
}

/** What is said of a row whose balance is off by so much. */
async function driftOf(
  kind: DatabaseKind,
  offBy: number,
): Promise<Pick<Drift, 'class'> & { readonly since: string | undefined }> {
  await using store = openMemoryStore();
  await using database = await kind.create<AccountTables>();
  const end = await appendAccount(store);
  {
    await using run = await runReadModel(store, accounts(), { db: database.db });
    await run.reached(end, { timeoutMs: 20_000 });
  }
  await database.db
    .updateTable('balances')
    .set({ balance: sql`balance + ${offBy}` })
    .execute();
  const { drift } = await verifyReadModel(store, accounts(), { db: database.db }).result();
  assert.equal(drift.length, 1);
  const [{ class: found, since }] = drift as readonly [Drift];
  return { class: found, since: since && `${since.revision}@${since.stream}` };
}

/** An account that is closed, and opened again, and what is said of its row when it is as it was at some time. */
async function driftOfClosed(
  kind: DatabaseKind,
  live: 'as before it was closed' | 'gone since it was opened again',
): Promise<readonly string[]> {
  await using store = openMemoryStore();
  await using database = await kind.create<AccountTables>();
  const { db } = database;
  const end = await appendAccount(store);
  await using run = await runReadModel(store, accounts(), { db });
  await run.reached(end, { timeoutMs: 20_000 });
  const before = await db.selectFrom('balances').selectAll().executeTakeFirstOrThrow();
  const types = live === 'as before it was closed' ? ['Closed'] : ['Closed', 'Opened'];
  const more = types.map((type) => jsonEvent({ type, data: {} }));
  const { position } = await store.append(streamName(account), more, { expected: 'any' });
  await run.reached(position, { timeoutMs: 20_000 });
  if (types.length === 1) await db.insertInto('balances').values(before).execute();
  else await db.deleteFrom('balances').execute();
  const { drift } = await verifyReadModel(store, accounts(), { db }).result();
  return drift.map(({ class: found, since }) => `${found} since ${since?.type} ${since?.revision}`);
}

for (const kind of databaseKinds()) {
  describe(`the story of a row that was removed on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('is that of the event that removed it, when it is still there', async () => {
      assert.deepEqual(await driftOfClosed(kind, 'as before it was closed'), ['ghost-row since Closed 21']);
    });

    it('is that of the event that brought it back, when it is not there', async () => {
      assert.deepEqual(await driftOfClosed(kind, 'gone since it was opened again'), ['missing-row since Opened 22']);
    });
  });
}

for (const kind of databaseKindsOfLongTests()) {
  describe(`the story of a wrong row on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('is that of an event that was left out, although later ones look at what an earlier one wrote', async () => {
      for (const at of [0, 11]) {
        assert.deepEqual(await driftOf(kind, -factor * amounts[at]!), {
          class: 'missing-events',
          since: `${at + 1}@${account}`,
        });
      }
    });

    it('is that of events that were applied twice, one or several in a row', async () => {
      for (const [from, to] of [
        [10, 10],
        [12, 15],
      ] as const) {
        const sum = amounts.slice(from, to + 1).reduce((all, amount) => all + amount, 0);
        assert.deepEqual(await driftOf(kind, factor * sum), {
          class: 'applied-twice',
          since: `${from + 1}@${account}`,
        });
      }
    });

    it('is none where no events make the row', async () => {
      assert.equal((await driftOf(kind, 1)).class, 'foreign-write');
    });
  });
}
