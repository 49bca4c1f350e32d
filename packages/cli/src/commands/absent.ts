import type { Command } from 'commander';
import { categoryOf } from 'daybook';

import { findAbsent, type Absence } from '../absent/find-absent.ts';
import { Failure } from '../failure.ts';
import { parseDuration, parseTime } from '../input/parse-options.ts';
import { counted } from '../output/counted.ts';
import { jsonText } from '../output/json-text.ts';
import type { Begin } from '../program.ts';

interface Options {
  readonly has: string;
  readonly lacks: string;
  readonly within: string;
  readonly category?: string;
  readonly since?: string;
  readonly late?: true;
  readonly check?: true;
}

/** `daybook absent`: what did not happen. */
export function registerAbsent(program: Command, begin: Begin): void {
  program
    .command('absent')
    .summary('show what did not happen')
    .description(
      'Shows each event that was not followed in time by another one in its stream: a shipment without its mail. What ' +
        'is not due yet is left out, and so is what came late, unless --late is given.',
    )
    .requiredOption('--has <type>', 'the event that happened: OrderShipped')
    .requiredOption('--lacks <type>', 'the event that should have followed: ShipmentEmailSent')
    .requiredOption('--within <duration>', 'in what time: 30s, 15m, 1h, 8d')
    .option('-c, --category <category>', 'only streams of this category')
    .option('--since <time>', 'only what happened since: 2026-11-23, or 8d (ago)')
    .option('--late', 'what came late too')
    .option('--check', 'end with 8 when something is absent')
    .action(async (options: Options, command: Command) => {
      const shell = begin(command);
      const withinMs = parseDuration(options.within, '--within');
      const since = options.since === undefined ? undefined : parseTime(options.since, '--since');
      await using store = await shell.open('existing');
      const { has, lacks, category } = options;
      const now = new Date();
      const found = await findAbsent(store, { has, lacks, withinMs, category, since, now, signal: shell.signal });
      const absences = options.late === true ? found : found.filter(({ late }) => late === undefined);
      await shell.print({
        rows: pageOf(absences),
        columns: [
          { title: 'EVENT', text: ({ event }) => `${event.revision}@${event.stream}` },
          { title: 'CREATED', text: ({ event }) => event.created.toISOString() },
          { title: 'DUE', text: ({ dueAt }) => dueAt.toISOString() },
          { title: lacks, text: ({ late }) => late?.created.toISOString() ?? 'absent' },
          { title: 'ID', isDetail: true, text: ({ event }) => event.id },
        ],
        json: absenceLine,
      });
      const missing = absences.filter(({ late }) => late === undefined).length;
      if (shell.format === 'table')
        shell.say(`${counted(missing, 'event')}: ${has} without ${lacks} within ${options.within}`);
      if (options.check === true && missing > 0) {
        throw new Failure(
          'check-failed',
          8,
          `${counted(missing, 'event')}: ${has} without ${lacks} within ${options.within}.`,
        );
      }
    });
}

function absenceLine({ event, dueAt, late }: Absence): string {
  const { stream, revision, position, id, created } = event;
  return jsonText({
    stream,
    category: categoryOf(stream),
    revision,
    position,
    id,
    created,
    dueAt,
    late: late && { revision: late.revision, id: late.id, created: late.created },
  });
}

async function* pageOf(rows: readonly Absence[]): AsyncGenerator<readonly Absence[], void, undefined> {
  if (rows.length > 0) yield rows;
}
