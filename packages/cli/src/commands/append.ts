import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

import type { Command } from 'commander';
import { streamName, type NewEvent, type StreamName } from 'daybook';

import { Failure, usage } from '../failure.ts';
import { parseEventLine } from '../input/event-line.ts';
import { parseJson } from '../input/parse-json.ts';
import { checkUuid, parseExpected } from '../input/parse-options.ts';
import { readLines } from '../input/read-lines.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';

interface Options {
  readonly type?: string;
  readonly data?: string;
  readonly metadata?: string;
  readonly id?: string;
  readonly expected: string;
  readonly binary?: true;
  readonly batch?: string;
}

/** `daybook append`: adds events to the end of a stream. */
export function registerAppend(program: Command, begin: Begin): void {
  program
    .command('append')
    .summary('add an event to a stream')
    .description(
      'Adds an event to the end of a stream, or with --batch several, all or none. Safe to repeat with the same --id.',
    )
    .argument('<stream>', 'such as CustomerOrder-123456789')
    .option('-t, --type <type>', 'what happened, in the past tense: OrderShipped')
    .option('-d, --data <json>', 'JSON, @FILE, or - for standard input (default: {})')
    .option('-m, --metadata <json>', 'JSON, or @FILE')
    .option('--id <uuid>', 'of the event (default: a new one)')
    .option('-e, --expected <revision>', 'any, no-stream, stream-exists, or the last revision of the stream', 'any')
    .option('--binary', 'take the data as bytes, whatever they are')
    .option('--batch <file>', 'append the events of a file, one as JSON a line, or - for standard input')
    .action(async (name: string, options: Options, command: Command) => {
      const shell = begin(command);
      const stream = streamName(name);
      const expected = parseExpected(options.expected);
      const events = options.batch === undefined ? [await newEvent(options)] : await batch(options, stream, shell);
      await using store = await shell.open('create');
      try {
        const { outcome, firstRevision, revision, position } = await store.append(stream, events, { expected });
        const [{ id } = { id: '' }] = events;
        const isOne = events.length === 1;
        await shell.printOne({
          stream,
          outcome,
          ...(!isOne && { firstRevision }),
          revision,
          position,
          ...(isOne && { id }),
        });
      } catch (error) {
        throw withWayOut(error, events);
      }
    });
}

async function newEvent({ type, data = '{}', metadata, id = randomUUID(), binary }: Options): Promise<NewEvent> {
  if (type === undefined) throw usage('An event has a type: give --type OrderShipped, or events with --batch FILE.');
  const bytes = await bytesOf(data, '--data');
  if (binary !== true) parseJson(new TextDecoder().decode(bytes), '--data');
  const metadataBytes = metadata === undefined ? undefined : await bytesOf(metadata, '--metadata');
  if (metadataBytes !== undefined) parseJson(new TextDecoder().decode(metadataBytes), '--metadata');
  return {
    id: checkUuid(id, '--id'),
    type,
    data: bytes,
    metadata: metadataBytes,
    contentType: binary === true ? 'application/octet-stream' : 'application/json',
  };
}

/** What an option says, or the file that it names, without the line end that editors and `echo` put there. */
async function bytesOf(value: string, option: string): Promise<Uint8Array> {
  if (value === '-' && option === '--data') return Buffer.from((await text(process.stdin)).replace(/\r?\n$/, ''));
  if (!value.startsWith('@')) return Buffer.from(value);
  const bytes = await readFile(value.slice(1));
  const end = bytes.at(-1) === 10 ? (bytes.at(-2) === 13 ? -2 : -1) : undefined;
  return bytes.subarray(0, end);
}

async function batch(options: Options, stream: StreamName, shell: Shell): Promise<readonly NewEvent[]> {
  const { batch: path = '-', data, id } = options;
  if (data !== undefined || id !== undefined) throw usage('With --batch, data and ids stand in the file.');
  const events: NewEvent[] = [];
  for await (const line of readLines(path, shell.signal)) {
    const { stream: named = stream, event } = parseEventLine(line, path, { type: options.type });
    if (named !== stream) {
      throw usage(
        `Line ${line.number} of ${path} is an event of ${named}. To append to many streams, use daybook import.`,
      );
    }
    events.push(event);
  }
  if (events.length === 0) throw usage(`${path} holds no events.`);
  return events;
}

/** An error, with the command that finds out what happened, when nobody knows. */
function withWayOut(error: unknown, events: readonly NewEvent[]): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'unknown-outcome') return error;
  const way =
    events.length === 1
      ? `Run the same command with --id ${events[0]?.id}: it is appended once.`
      : 'Run the same command again: events that are there are not appended twice.';
  return new Failure('unknown-outcome', 7, `${error.message} ${way}`, { cause: error });
}
