import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';

import { eventTypeStream, jsonData, jsonEvent, setStreamMetadata, streamName, type EventStore } from 'daybook';
import { checkpointHistory, leaseStreamOf, readCheckpoint } from 'daybook/consumer';

import type { Broken } from './support/check-log.ts';
import { startChild, type Child } from './support/child.ts';
import { wrongClock, type WrongClock } from './support/faketime.ts';
import { diskFolder } from './support/folder.ts';
import { openStore } from './support/open-store.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';

/** Nothing here takes longer. */
const patienceMs = 30_000;

const hourMs = 3_600_000;

const behind: WrongClock = { name: 'a day behind', time: '-1d' };
const ahead: WrongClock = { name: 'ten years ahead', time: '+10y' };
const right: WrongClock = { name: 'right', time: '+0' };
const slow: WrongClock = { name: 'half as fast', time: '+0 x0.5' };
const spring: WrongClock = { name: 'in the hour that is missing', time: '@2026-03-29 01:59:58', zone: 'Europe/Berlin' };
const autumn: WrongClock = { name: 'in the hour that is twice', time: '@2026-10-25 02:59:58', zone: 'Europe/Berlin' };

/** The clocks of the two consumers. */
const pairs: readonly (readonly [WrongClock, WrongClock])[] = [
  [behind, ahead],
  [slow, right],
  [right, slow],
  [spring, autumn],
];

/**
 * R19: two processes run a consumer on one log, each by a clock of its own. The active one is stopped between an effect
 * and its checkpoint for longer than its lease; the other takes over; the first wakes up and tries to write. Then the
 * second is killed, and the first is active again. Every event has its effect, in order; no checkpoint is written by
 * whoever lost the lease; only what was under way is done twice, unless a clock is slow.
 *
 * Mutant `no-fence`: checkpoints are taken from everybody.
 */
export async function runWithWrongClocks(run: Run): Promise<Outcome> {
  const { cycles, mutant, stopAtFirst = false } = run;
  const broken: Broken[] = [];
  const counts = { pairs: 0, events: 0, repeatedEffects: 0 };
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    for (const pair of pairs) {
      const found = await runPair(pair, mutant);
      const names = pair.map(({ name }) => name).join(' and ');
      broken.push(...found.problems.map(({ kind, problem }) => ({ kind, problem: `Clocks ${names}: ${problem}` })));
      counts.pairs += 1;
      counts.events += found.events;
      counts.repeatedEffects += found.repeated;
      if (stopAtFirst && broken.length > 0) break;
    }
  }
  const command = commandFor('wrong-clocks.ts', run);
  return { promise: 'R19 two consumers with wrong clocks', run, counts, broken, command };
}

/** A consumer in a process of its own, and what it has said. */
class Instance implements AsyncDisposable {
  readonly said: string[] = [];
  readonly child: Child;

  constructor(clock: WrongClock, mutant: string | undefined) {
    this.child = startChild(new URL('wrong-clocks-child.ts', import.meta.url), {
      args: [mutant ?? ''],
      environment: wrongClock(clock),
      onLine: (line) => this.said.push(line),
    });
  }

  async run(path: string): Promise<void> {
    await this.child.ready;
    this.child.send(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
  }
}

interface Found {
  readonly problems: readonly Broken[];
  readonly events: number;
  readonly repeated: number;
}

async function runPair(pair: readonly [WrongClock, WrongClock], mutant: string | undefined): Promise<Found> {
  using folder = diskFolder();
  const path = folder.file('x.db');
  await using store = await openStore(path);
  await using one = new Instance(pair[0], mutant);
  await using two = new Instance(pair[1], mutant);
  try {
    await story(store, path, [one, two]);
  } catch (error) {
    // What was written until then may say why: a checkpoint that went back, and that was waited for in vain.
    const said = [one, two].map((each) => each.said.join()).join(' | ');
    const unfinished: Broken = { kind: 'unusable', problem: `${String(error)} ${said}` };
    const found = existsSync(effectsOf(path)) ? await check(store, path, pair) : undefined;
    return { events: 0, repeated: 0, ...found, problems: [unfinished, ...(found?.problems ?? [])] };
  }
  return await check(store, path, pair);
}

function effectsOf(path: string): string {
  return `${path}.effects`;
}

async function story(store: EventStore, path: string, [one, two]: readonly [Instance, Instance]): Promise<void> {
  await one.run(path);
  await until('the first is live', () => one.said.includes('live'));
  await two.run(path);
  await until('the second stands by', () => two.said.includes('standing-by'));
  await ship(store, 'go');
  await ship(store, 'stop');
  await until('one stops', () => [one, two].some(({ said }) => said.includes('stops')));
  const [stopped, other] = one.said.includes('stops') ? [one, two] : [two, one];
  await ship(store, 'go');
  await until('the other takes over', () => other.said.includes('handled 2@Order-1'));
  const heard = stopped.said.length;
  process.kill(stopped.child.pid, 'SIGCONT');
  await ship(store, 'go');
  await until('the other goes on', () => other.said.includes('handled 3@Order-1'));
  await until('the first knows', () => stopped.said.slice(heard).includes('standing-by'));
  await untilCheckpoint(store, 3n);
  const known = stopped.said.length;
  await other[Symbol.asyncDispose]();
  await ship(store, 'go');
  await until('the first is active again', () => stopped.said.slice(known).includes('handled 4@Order-1'));
  await untilCheckpoint(store, 4n);
}

/** Waits until something is so. */
async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + patienceMs; !(await isSo()); await after(5)) {
    if (Date.now() > endMs) throw new Error(`It was waited in vain until ${what}.`);
  }
}

/** Ships an order. A process that was stopped in the middle of a commit would have to be woken: none is, here. */
async function ship(store: EventStore, data: 'go' | 'stop'): Promise<void> {
  await store.append(streamName('Order-1'), [jsonEvent({ type: 'OrderShipped', data })], { expected: 'any' });
}

const place = { source: eventTypeStream('OrderShipped'), consumer: 'Mailing' };

async function untilCheckpoint(store: EventStore, pos: bigint): Promise<void> {
  await until(`${pos} is checkpointed`, async () => (await readCheckpoint(store, place))?.pos === pos);
}

async function check(store: EventStore, path: string, pair: readonly [WrongClock, WrongClock]): Promise<Found> {
  const problems: Broken[] = [];
  const say = (isBroken: boolean, kind: Broken['kind'], problem: string): void => {
    if (isBroken) problems.push({ kind, problem });
  };
  const effects = readFileSync(effectsOf(path), 'utf8').trim().split('\n');
  const events = await Array.fromAsync(store.readStream(place.source));
  const places = events.map(({ stream, revision }) => `${revision}@${stream}`);
  const repeated = effects.length - new Set(effects).size;
  say([...new Set(effects)].join() !== places.join(), 'gap', `The effects are ${effects.join()}.`);
  say(repeated < 1, 'unusable', 'What was under way was not done again: nobody was stopped.');
  say(repeated > 1 && !pair.includes(slow), 'repeated', `${repeated} effects happened twice.`);
  const history = (await Array.fromAsync(checkpointHistory(store, place))).toReversed();
  for (const [i, { pos, token = 0 }] of history.entries()) {
    const before = history[i - 1];
    say(token < (before?.token ?? 0), 'repeated', `A stale instance wrote checkpoint ${i}.`);
    say(pos < (before?.pos ?? pos), 'gap', `Checkpoint ${i} went back.`);
  }
  const leases = await Array.fromAsync(store.readStream(leaseStreamOf('Mailing')));
  const tokens = leases
    .filter(({ type }) => type === 'LeaseAcquired')
    .map((event) => Reflect.get(Object(jsonData(event)), 'token') as number); // What the lease writes.
  say(tokens.join() !== tokens.map((_, i) => i + 1).join(), 'repeated', `The tokens are ${tokens.join()}.`);
  say(tokens.length < 3, 'unusable', `The lease did not go from one to the other and back: ${tokens.join()}`);
  const log = await Array.fromAsync(store.readAll());
  say(
    log.some(({ position }, i) => position <= (log[i - 1]?.position ?? -1n)),
    'gap',
    'Events are not in the order of their positions.',
  );
  if (pair.includes(behind)) problems.push(...(await checkAges(store)));
  return { problems, events: events.length, repeated };
}

/** `$maxAge` goes by the clock of who appended: a day behind, it hides a day early, and not more; ahead, never early. */
async function checkAges(store: EventStore): Promise<readonly Broken[]> {
  const mails = streamName('Mail-Order-1');
  const all = await Array.fromAsync(store.readStream(mails));
  const ofBehind = all.filter(({ created }) => created.getTime() < Date.now() - 23 * hourMs);
  const visible = async (maxAgeMs: number): Promise<number> => {
    await setStreamMetadata(store, mails, { metadata: { maxAgeMs, custom: {} }, expected: 'any' });
    return (await Array.fromAsync(store.readStream(mails))).length;
  };
  const [later, sooner] = [await visible(25 * hourMs), await visible(23 * hourMs)];
  const isRight = later === all.length && sooner === all.length - ofBehind.length;
  if (isRight && ofBehind.length > 0 && ofBehind.length < all.length) return [];
  const problem = `Of ${all.length} mails, ${ofBehind.length} of them a day old, ${later} and ${sooner} can be read.`;
  return [{ kind: 'answer', problem }];
}

if (import.meta.main) {
  const { run } = commandLine(10);
  report(await runWithWrongClocks(run));
}
