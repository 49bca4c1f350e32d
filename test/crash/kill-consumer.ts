import { existsSync, readFileSync } from 'node:fs';

import { eventTypeStream, jsonEvent, streamName, type EventStore } from 'daybook';
import { readCheckpoint } from 'daybook/consumer';

import type { KillPoint } from './kill-consumer-child.ts';
import type { Broken } from './support/check-log.ts';
import { killInCycles, type Checked } from './support/kill-cycles.ts';
import { openStore } from './support/open-store.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import type { Random } from './support/random.ts';

/** Where the consumer is killed: around decode, handle and interpret, and around the commit of the checkpoint. */
export const killPoints: readonly KillPoint[] = ['decode', 'handled', 'effect', 'append', 'commit', 'committed'];

/** So many orders are shipped before each kill. */
const ordersPerKill = 6;

const shipped = eventTypeStream('OrderShipped');

/**
 * R13: a consumer that is killed at any point loses no effect. What it does outside is done at least once, and once
 * when its key is looked at; what it appends under a derived id is there once; the order of each stream is kept; the
 * checkpoint ends where the log does. The oracle is the log itself.
 *
 * Mutant `checkpoint-first`: the checkpoint is written before the effect.
 */
export async function killConsumer(run: Run): Promise<Outcome> {
  const child = new URL('kill-consumer-child.ts', import.meta.url);
  const { counts, broken } = await killInCycles(run, { child, points: killPoints, prepare: ship, check });
  return { promise: 'R13 kill -9 of a consumer', run, counts, broken, command: commandFor('kill-consumer.ts', run) };
}

/** Appends shipped orders to a few streams, and events that are none of the consumer's business. */
async function ship(path: string, random: Random): Promise<void> {
  await using store = await openStore(path);
  for (let i = 0; i < ordersPerKill; i += 1) {
    const stream = streamName(`Order-${random.between(1, 4)}`);
    const events = [jsonEvent({ type: 'OrderShipped', data: i }), jsonEvent({ type: 'OrderPaid', data: i })];
    await store.append(stream, events.slice(0, random.between(1, 2)), { expected: 'any' });
  }
}

/** Holds the effects against the log. */
async function check(path: string): Promise<Checked> {
  const broken: Broken[] = [];
  await using store = await openStore(path);
  const events = await Array.fromAsync(store.readStream(shipped));
  const lines = existsSync(`${path}.effects`) ? readFileSync(`${path}.effects`, 'utf8').trim().split('\n') : [];
  const effects = [...new Set(lines)];
  const known = new Set(effects);
  for (const { id, stream, revision } of events) {
    if (!known.has(`${id} ${stream}`)) broken.push({ kind: 'lost', problem: `No mail for ${revision}@${stream}.` });
  }
  if (effects.length > events.length)
    broken.push({ kind: 'repeated', problem: 'There are more mails than shipments.' });
  for (const stream of new Set(events.map((event) => event.stream))) {
    const inLog = events.filter((event) => event.stream === stream).map(({ id }) => id);
    const inEffects = effects.filter((line) => line.endsWith(` ${stream}`)).map((line) => line.split(' ')[0]);
    const isInOrder = inEffects.every((id, i) => id === inLog[i]);
    if (!isInOrder) broken.push({ kind: 'gap', problem: `The mails of ${stream} are not in the order of its events.` });
    broken.push(...(await checkMails(store, stream, inLog.length)));
  }
  const checkpoint = await readCheckpoint(store, { source: shipped, consumer: 'Mailing' });
  if (checkpoint?.pos !== BigInt(events.length - 1)) {
    broken.push({
      kind: 'gap',
      problem: `The checkpoint is ${checkpoint?.pos}, and the log has ${events.length} events.`,
    });
  }
  const counts = { events: events.length, effects: effects.length, repeatedEffects: lines.length - effects.length };
  return { broken, counts };
}

/** What was appended under derived ids is there once. */
async function checkMails(store: EventStore, stream: string, expected: number): Promise<readonly Broken[]> {
  const mails = await Array.fromAsync(store.readStream(streamName(`Mail-${stream}`)));
  if (mails.length === expected) return [];
  const kind = mails.length > expected ? 'repeated' : 'lost';
  return [{ kind, problem: `${stream} has ${expected} shipments and ${mails.length} MailSent.` }];
}

if (import.meta.main) {
  const { run } = commandLine(10_000);
  report(await killConsumer(run));
}
