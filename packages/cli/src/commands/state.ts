import { inspect } from 'node:util';

import type { Command } from 'commander';
import {
  categoryOf,
  derivedStream,
  idOf,
  streamName,
  type EventStore,
  type RecordedEvent,
  type StreamName,
} from 'daybook';
import { load, type AsOf } from 'daybook/decider';

import { usage } from '../failure.ts';
import { parseAsOf } from '../input/parse-options.ts';
import { counted } from '../output/counted.ts';
import { jsonText } from '../output/json-text.ts';
import { visibleText } from '../output/visible-text.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';
import { importView } from '../state/import-view.ts';
import { lastValues, revisionAt, type LastValue } from '../state/last-values.ts';
import { checkExists } from './read.ts';

interface Options {
  readonly at?: string;
  readonly view?: string;
}

/** `daybook state`: what the events of a stream come to, now or then. */
export function registerState(program: Command, begin: Begin): void {
  program
    .command('state')
    .summary('show what the events of a stream come to')
    .description(
      'Shows the state of a stream, as it is or was. Without --view: each member that the data of its events have, ' +
        'with its last value and the event that it comes from. With --view: what a view of daybook/decider makes of ' +
        'the events. A time means: up to the last event that was created at or before it.',
    )
    .argument('<stream>', 'such as CustomerOrder-123456789')
    .option('-a, --at <place>', 'as it was: after a revision, at a time, or so long ago (12, 2026-11-23, 2h)')
    .option('--view <module>', 'a module that exports a view: order.ts, or order.ts#shipmentStatus')
    .action(async (name: string, options: Options, command: Command) => {
      const shell = begin(command);
      const stream = streamName(name);
      if (stream === '$all' || derivedStream(stream) !== undefined) {
        throw usage(`${stream} gathers events of many streams, which have no state together. Give one of them.`);
      }
      const asOf = options.at === undefined ? undefined : parseAsOf(options.at, '--at');
      await using store = await shell.open('existing');
      await checkExists(store, stream);
      if (options.view === undefined) await showLastValues(shell, store, { stream, asOf });
      else await showView(shell, store, { stream, asOf, module: options.view });
    });
}

async function showLastValues(
  shell: Shell,
  store: EventStore,
  { stream, asOf }: { readonly stream: StreamName; readonly asOf: AsOf | undefined },
): Promise<void> {
  const { signal } = shell;
  const upTo =
    asOf === undefined
      ? undefined
      : 'revision' in asOf
        ? asOf.revision
        : await revisionAt(store, stream, { time: asOf.time, signal });
  const { values, last, events, silent } = await lastValues(store, stream, { upTo, signal });
  if (shell.format === 'json' || shell.format === 'ndjson') {
    const state = values.map(({ member, text }) => `${JSON.stringify(member)}:${onOneLine(text)}`).join(',');
    await shell.terminal.write(`${placed({ stream, last, state: `{${state}}` })}\n`);
    return;
  }
  await shell.print({
    rows: pageOf(values),
    columns: [
      { title: 'MEMBER', text: ({ member }) => member },
      { title: 'SET BY', text: ({ event }) => `${event.revision} ${event.type}` },
      { title: 'CREATED', isDetail: true, text: ({ event }) => event.created.toISOString() },
      { title: 'VALUE', text: ({ text }) => text },
    ],
    json: ({ text }) => text,
  });
  if (shell.format !== 'table') return;
  shell.say(last === undefined ? 'Nothing had happened yet.' : `${counted(events, 'event')}, ${placeText(last)}`);
  if (silent > 0) shell.say(`${counted(silent, 'event')} without a JSON object`);
}

async function showView(
  shell: Shell,
  store: EventStore,
  { stream, asOf, module }: { readonly stream: StreamName; readonly asOf: AsOf | undefined; readonly module: string },
): Promise<void> {
  const { view, name } = await importView(module);
  const id = idOf(stream) ?? '';
  if (categoryOf(stream) !== view.category || id === '') {
    throw usage(`--view ${module}: ${name} is a view of ${view.category}, and ${stream} is no such stream.`);
  }
  const { state, revision } = await load(store, view, id, { asOf, signal: shell.signal });
  const [last] =
    revision === undefined ? [] : await Array.fromAsync(store.readStream(stream, { from: revision, limit: 1 }));
  if (shell.format === 'json' || shell.format === 'ndjson') {
    await shell.terminal.write(`${placed({ stream, last, state: jsonText(state) })}\n`);
    return;
  }
  if (typeof state === 'object' && state !== null && !Array.isArray(state)) await shell.printOne({ ...state });
  else await shell.terminal.write(`${visibleText(inspect(state, { depth: null, breakLength: Infinity }))}\n`);
  if (shell.format === 'table') shell.say(last === undefined ? 'Nothing had happened yet.' : placeText(last));
}

/** A state as JSON, with its place in the stream. `state` is JSON already. */
function placed({
  stream,
  last,
  state,
}: {
  readonly stream: StreamName;
  readonly last: RecordedEvent | undefined;
  readonly state: string;
}): string {
  const place = last && { revision: last.revision, position: last.position, created: last.created };
  return `${jsonText({ stream, ...place }).slice(0, -1)},"state":${state}}`;
}

/** JSON on one line: a line break in it can only be white space. */
function onOneLine(json: string): string {
  return json.replaceAll(/[\r\n]+/g, ' ');
}

function placeText({ revision, type, created }: RecordedEvent): string {
  return `up to ${revision} ${visibleText(type)}, ${created.toISOString()}`;
}

async function* pageOf(values: readonly LastValue[]): AsyncGenerator<readonly LastValue[], void, undefined> {
  if (values.length > 0) yield values;
}
