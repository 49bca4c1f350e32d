import type { EventStore } from 'daybook';

import { usage } from './failure.ts';
import { defaultStore, openStore, type StoreUse } from './open-store.ts';
import { jsonText } from './output/json-text.ts';
import { printRows, type Format, type RowsToPrint } from './output/print-rows.ts';
import { Progress } from './output/progress.ts';
import type { Terminal } from './output/terminal.ts';
import { visibleText } from './output/visible-text.ts';

/** The options that every command takes. */
export interface SharedOptions {
  readonly store?: string;
  readonly json?: true;
  readonly ndjson?: true;
  readonly quiet?: true;
}

/** What a command works with: the store that was named, the way out, and the wish to stop. */
export class Shell {
  readonly terminal: Terminal;
  /** Aborts when the person at the terminal presses Ctrl-C. */
  readonly signal: AbortSignal;
  /** What `--store` names. */
  readonly location: string;
  readonly isQuiet: boolean;
  readonly format: Format;

  constructor(terminal: Terminal, signal: AbortSignal, options: SharedOptions) {
    if (options.json && options.ndjson) throw usage('--json and --ndjson are two things. Give one of them.');
    this.terminal = terminal;
    this.signal = signal;
    this.location = options.store ?? process.env['DAYBOOK_STORE'] ?? defaultStore;
    this.isQuiet = options.quiet === true;
    this.format = options.json ? 'json' : options.ndjson ? 'ndjson' : terminal.isInteractive ? 'table' : 'tsv';
  }

  /** Opens the store that was named. */
  open(use: StoreUse, location: string = this.location): Promise<EventStore> {
    return openStore(location, use);
  }

  /** Writes rows in the format that was asked for. Gives how many there were. */
  print<Row>(rows: RowsToPrint<Row>): Promise<number> {
    return printRows(this.terminal, this.format, rows);
  }

  /** Writes one thing: its fields under each other, as values separated by tabs, or as JSON. */
  async printOne(fields: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.format === 'json' || this.format === 'ndjson') {
      await this.terminal.write(`${jsonText(fields)}\n`);
      return;
    }
    const texts = Object.entries(fields).filter(([, value]) => value !== undefined);
    const width = Math.max(...texts.map(([name]) => name.length));
    const line = ([name, value]: [string, unknown]): string =>
      this.format === 'tsv'
        ? `${name}\t${textOf(value)}`
        : `${this.terminal.style('bold', name.padEnd(width))}  ${textOf(value)}`;
    await this.terminal.write(texts.map((each) => `${line(each)}\n`).join(''));
  }

  /** Says something that is not data, unless the command was asked to be quiet. */
  say(text: string): void {
    if (!this.isQuiet) this.terminal.say(`${text}\n`);
  }

  /** Begins to tell how far a long job is. */
  progress(unit: string, { isQuiet = false }: { readonly isQuiet?: boolean } = {}): Progress {
    return new Progress(this.terminal, { unit, isQuiet: isQuiet || this.isQuiet });
  }
}

function textOf(value: unknown): string {
  const text =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
      ? String(value)
      : jsonText(value);
  return visibleText(text);
}
