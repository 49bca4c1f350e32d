import { existsSync, readFileSync } from 'node:fs';

import { eventTypeStream, jsonEvent, streamName, type EventStore } from 'daybook';
import { readCheckpoint } from 'daybook/consumer';

import type { Broken } from './support/check-log.ts';
import { startChild, type Child } from './support/child.ts';
import { diskFolder } from './support/folder.ts';
import { openStore } from './support/open-store.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { seededRandom, type Random } from './support/random.ts';

/** Where the consumer is killed: around decode, handle and interpret, and around the commit of the checkpoint. */
const points = ['decode', 'handled', 'effect', 'append', 'commit', 'committed'] as const;

/** One store is followed through so many kills. */
const killsPerStore = 20;

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
  const { cycles, seed, mutant, stopAtFirst = false } = run;
  const random = seededRandom(seed);
  const broken: Broken[] = [];
  const counts = { kills: 0, effects: 0, repeatedEffects: 0, events: 0 };
  let next = start(mutant);
  try {
    for (let cycle = 0; cycle < cycles;) {
      using folder = diskFolder();
      const path = folder.file('x.db');
      for (let kill = 0; kill < killsPerStore && cycle < cycles; kill += 1, cycle += 1) {
        counts.events += await ship(path, random);
        const child = next;
        next = start(mutant);
        const point = points[cycle % points.length] ?? 'decode';
        broken.push(...(await killedAt(child, `${path} ${point} ${random.between(1, ordersPerKill)}`)));
        counts.kills += 1;
      }
      const last = next;
      next = start(mutant);
      broken.push(...(await finished(last, path)));
      const checked = await check(path);
      broken.push(...checked.broken);
      counts.effects += checked.effects;
      counts.repeatedEffects += checked.repeated;
      if (stopAtFirst && broken.length > 0) break;
    }
  } finally {
    await next[Symbol.asyncDispose]();
  }
  return { promise: 'R13 kill -9 of a consumer', run, counts, broken, command: commandFor('kill-consumer.ts', run) };
}

function start(mutant = ''): Child {
  return startChild(new URL('kill-consumer-child.ts', import.meta.url), { args: [mutant] });
}

/** Appends shipped orders to a few streams, and events that are none of the consumer's business. */
async function ship(path: string, random: Random): Promise<number> {
  await using store = await openStore(path);
  for (let i = 0; i < ordersPerKill; i += 1) {
    const stream = streamName(`Order-${random.between(1, 4)}`);
    const events = [jsonEvent({ type: 'OrderShipped', data: i }), jsonEvent({ type: 'OrderPaid', data: i })];
    await store.append(stream, events.slice(0, random.between(1, 2)), { expected: 'any' });
  }
  return ordersPerKill;
}

/** Runs a consumer until it kills itself. One that has too little to do for that ends well. */
async function killedAt(child: Child, line: string): Promise<readonly Broken[]> {
  await child.ready;
  child.send(line);
  const { code, signal, errors } = await child.ended;
  if (signal === 'SIGKILL' || code === 0) return [];
  return [{ kind: 'unusable', problem: `The consumer ended by itself with ${signal ?? code}: ${errors}` }];
}

/** Runs a consumer until it has handled everything. */
async function finished(child: Child, path: string): Promise<readonly Broken[]> {
  await child.ready;
  child.send(path);
  const { code, signal, errors } = await child.ended;
  return code === 0
    ? []
    : [{ kind: 'lost', problem: `The consumer did not get to the end (${signal ?? code}): ${errors}` }];
}

/** Holds the effects against the log. */
async function check(path: string): Promise<{ broken: readonly Broken[]; effects: number; repeated: number }> {
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
  return { broken, effects: effects.length, repeated: lines.length - effects.length };
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
