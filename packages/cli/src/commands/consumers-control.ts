import type { Command } from 'commander';
import type { EventStore } from 'daybook';
import {
  NoSuchConsumer,
  NothingParked,
  planCheckpoint,
  readParked,
  readStatus,
  requestControl,
  setCheckpoint,
  type Control,
  type Reason,
} from 'daybook/consumer';

import { changing, isConfirmed, reasonOf, type ChangeOptions } from '../consumers/changes.ts';
import { placesToSet } from '../consumers/find-consumer.ts';
import { parseTo } from '../consumers/parse-to.ts';
import { usage } from '../failure.ts';
import { parseDuration, parseTime } from '../input/parse-options.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';

interface PauseOptions extends ChangeOptions {
  readonly for?: string;
  readonly until?: string;
}

interface StreamOptions extends ChangeOptions {
  readonly stream?: string;
}

interface RewindOptions extends ChangeOptions {
  readonly to: string;
  readonly source?: string;
}

/** `daybook consumers pause|resume|retry|skip|rewind`: what a person can ask of a consumer. */
export function registerConsumersControl(consumers: Command, begin: Begin): void {
  changing(consumers.command('pause'))
    .description('Pauses a consumer for a time. It goes on by itself: a pause cannot be forgotten.')
    .argument('<consumer>')
    .option('--for <duration>', 'for so long: 30m, 2h')
    .option('--until <time>', 'until then')
    .action(async (name: string, options: PauseOptions, command: Command) => {
      const until = endOf(options);
      await ask(begin(command), { name, options, control: { kind: 'pause', until } });
    });
  changing(consumers.command('resume'))
    .description('Lets a consumer go on before its pause is over.')
    .argument('<consumer>')
    .action(async (name: string, options: ChangeOptions, command: Command) => {
      await ask(begin(command), { name, options, control: { kind: 'resume' } });
    });
  changing(consumers.command('retry'))
    .description('Lets a consumer try again what it has parked, or given up at.')
    .argument('<consumer>')
    .option('--stream <stream>', 'only what is parked of this stream')
    .action(async (name: string, options: StreamOptions, command: Command) => {
      await ask(begin(command), { name, options, control: { kind: 'retry', stream: options.stream } });
    });
  changing(consumers.command('skip'))
    .description('Lets a consumer leave out the event that it has given up at, or the first one parked of a stream.')
    .argument('<consumer>')
    .option('--stream <stream>', 'the first event that is parked of this stream')
    .action(async (name: string, options: StreamOptions, command: Command) => {
      const shell = begin(command);
      await using store = await shell.open('existing');
      const reason = reasonOf(options);
      const skipped = await eventToSkip(store, name, options.stream);
      if (!(await isConfirmed(shell, options, { consumer: name, asked: 'skip', ...skipped }))) return;
      await requestControl(store, name, { kind: 'skip', ...skipped, ...reason });
      await shell.printOne({ consumer: name, asked: 'skip', ...skipped, ...reason });
    });
  changing(consumers.command('rewind'))
    .description('Lets a consumer go on after another number: events come again, or never.')
    .argument('<consumer>')
    .requiredOption('--to <place>', 'start, end, the last number that counts as handled, or a time')
    .option('--source <stream>', 'only in this source')
    .action(async (name: string, options: RewindOptions, command: Command) => {
      await rewind(begin(command), name, options);
    });
}

/** Sets the checkpoints of a consumer, after saying what that means. */
export async function rewind(shell: Shell, name: string, options: RewindOptions): Promise<void> {
  const reason = reasonOf(options);
  const to = parseTo(options.to);
  await using store = await shell.open('existing');
  for (const place of await placesToSet(store, name, { source: options.source, to })) {
    const plan = await planCheckpoint(store, place, to);
    const preview = { consumer: name, source: plan.source, from: plan.from, to: plan.to, eventsAgain: plan.events };
    if (!(await isConfirmed(shell, options, preview))) continue;
    const { from, events } = await setCheckpoint(store, place, { to, ...reason });
    await shell.printOne({ ...preview, from, eventsAgain: events, ...reason });
  }
}

type Wish = Control extends infer Each ? (Each extends unknown ? Omit<Each, keyof Reason> : never) : never;

async function ask(
  shell: Shell,
  { name, options, control }: { name: string; options: ChangeOptions; control: Wish },
): Promise<void> {
  const reason = reasonOf(options);
  await using store = await shell.open('existing');
  if ((await readStatus(store, name)) === undefined) throw new NoSuchConsumer(name);
  const { kind, ...rest } = control;
  if (options.dryRun === true) {
    await shell.printOne({ consumer: name, asked: kind, ...rest, dryRun: true });
    return;
  }
  await requestControl(store, name, { ...control, ...reason });
  await shell.printOne({ consumer: name, asked: kind, ...rest, ...reason });
}

function endOf({ for: duration, until }: PauseOptions): Date {
  if (duration !== undefined && until === undefined) return new Date(Date.now() + parseDuration(duration, '--for'));
  if (until !== undefined && duration === undefined) return parseTime(until, '--until');
  throw usage('A pause ends: say --for 2h, or --until 2026-11-23T18:00:00Z.');
}

async function eventToSkip(
  store: EventStore,
  name: string,
  stream: string | undefined,
): Promise<{ readonly stream: string; readonly eventId: string }> {
  const parked = await readParked(store, name);
  const status = await readStatus(store, name);
  if (stream === undefined && status?.failingStream !== undefined && status.failingId !== undefined) {
    return { stream: status.failingStream, eventId: status.failingId };
  }
  const [first] = stream === undefined ? [...parked.values()].flat() : (parked.get(stream) ?? []);
  if (first === undefined) throw new NothingParked(name, stream);
  if (stream === undefined && parked.size > 1)
    throw usage(`${name} has parked several streams: say which with --stream.`);
  return { stream: first.stream, eventId: first.id };
}
