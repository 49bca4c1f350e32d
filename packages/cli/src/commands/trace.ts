import type { Command } from 'commander';
import { correlationStream, type RecordedEvent } from 'daybook';

import { notFound } from '../failure.ts';
import { placedEventLine } from '../input/event-line.ts';
import { counted } from '../output/counted.ts';
import { jsonText } from '../output/json-text.ts';
import type { Begin } from '../program.ts';
import { causationTree, type TracedEvent } from '../trace/causation-tree.ts';

/** A chain is held in memory. Longer ones are cut, with a word. */
const longestChain = 10_000;

/** Lines are drawn as far down as this. */
const deepestDrawn = 40;

/** `daybook trace`: what belongs together, and what caused what. */
export function registerTrace(program: Command, begin: Begin): void {
  program
    .command('trace')
    .summary('show what caused what')
    .description(
      'Shows all events with a correlation id, in whatever stream, as a tree: below each event what it caused. The ' +
        'correlation id is $correlationId in the metadata of each of them. That of a chain which began with a command ' +
        'is the id of the command.',
    )
    .argument('<correlation-id>')
    .action(async (id: string, _options: unknown, command: Command) => {
      const shell = begin(command);
      await using store = await shell.open('existing');
      const read = store.readStream(correlationStream(id), { limit: longestChain + 1, signal: shell.signal });
      const found = await Array.fromAsync(read);
      const events = found.slice(0, longestChain);
      if (events.length === 0) throw notFound(`No event has the correlation id ${id}.`);
      const start = events[0]?.created ?? new Date(0);
      await shell.print({
        rows: pageOf(causationTree(events)),
        columns: [
          { title: 'EVENT', text: (row) => (shell.format === 'table' ? drawn(row) : nameOf(row.event)) },
          { title: 'DEPTH', isDetail: true, text: ({ depth }) => String(depth) },
          { title: 'AFTER', align: 'right', text: ({ event }) => after(start, event) },
          { title: 'STREAM', text: ({ event }) => `${event.revision}@${event.stream}` },
          { title: 'CREATED', isDetail: true, text: ({ event }) => event.created.toISOString() },
          { title: 'ID', isDetail: true, text: ({ event }) => event.id },
          { title: 'CAUSED BY', isDetail: true, text: ({ causationId }) => causationId ?? '' },
        ],
        json: ({ event, depth, causationId }) =>
          `${jsonText({ depth, causationId }).slice(0, -1)},${placedEventLine(event).slice(1)}`,
      });
      if (shell.format === 'table') shell.say(counted(events.length, 'event'));
      if (found.length > longestChain) shell.say(`These are the first ${longestChain} events; there are more.`);
    });
}

function drawn(row: TracedEvent): string {
  const name = nameOf(row.event);
  if (row.depth === 0) return name;
  if (row.depth > deepestDrawn) return `└─ (${row.depth} down) ${name}`;
  let lines = row.isFollowed ? '├─ ' : '└─ ';
  for (let { above } = row; above !== undefined && above.depth > 0; { above } = above) {
    lines = (above.isFollowed ? '│  ' : '   ') + lines;
  }
  return lines + name;
}

function nameOf({ type }: RecordedEvent): string {
  return type;
}

/** How long after the first event: `0 ms`, `2.5 s`, `3 h`. */
function after(start: Date, { created }: RecordedEvent): string {
  const ms = created.getTime() - start.getTime();
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const;
  const [unit, unitMs] = units.find(([, each]) => Math.abs(ms) >= each) ?? (['ms', 1] as const);
  return `${Math.round((ms / unitMs) * 10) / 10} ${unit}`;
}

async function* pageOf(rows: readonly TracedEvent[]): AsyncGenerator<readonly TracedEvent[], void, undefined> {
  if (rows.length > 0) yield rows;
}
