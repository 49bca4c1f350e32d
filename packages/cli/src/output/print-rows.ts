import { displayWidth, fitted, padded } from './display-width.ts';
import type { Terminal } from './terminal.ts';
import { visibleText } from './visible-text.ts';

/** How rows are written: for people, as tab-separated values, or as JSON. */
export type Format = 'table' | 'tsv' | 'json' | 'ndjson';

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Left out of tables, which have less room than tab-separated values. */
  readonly isDetail?: boolean;
  readonly text: (row: Row) => string;
}

export interface RowsToPrint<Row> {
  readonly rows: AsyncIterable<readonly Row[]>;
  readonly columns: readonly Column<Row>[];
  /** A row as one line of JSON. */
  readonly json: (row: Row) => string;
  /** Rows come when they come: each is written at once. */
  readonly isLive?: true;
}

/** Rows of a table that are waited for before its columns get their widths. */
const measuredRows = 200;

/** Writes pages of rows as they come. Gives how many there were. */
export async function printRows<Row>(terminal: Terminal, format: Format, print: RowsToPrint<Row>): Promise<number> {
  if (format === 'table') return printTable(terminal, print);
  if (format === 'json') return printJson(terminal, print);
  const { columns, json } = print;
  const values = (row: Row): string => columns.map(({ text }) => visibleText(text(row))).join('\t');
  return printLines(terminal, print, format === 'ndjson' ? json : values);
}

async function printLines<Row>(
  terminal: Terminal,
  { rows }: RowsToPrint<Row>,
  line: (row: Row) => string,
): Promise<number> {
  let count = 0;
  for await (const page of rows) {
    await terminal.write(page.map((row) => `${line(row)}\n`).join(''));
    count += page.length;
  }
  return count;
}

async function printJson<Row>(terminal: Terminal, { rows, json }: RowsToPrint<Row>): Promise<number> {
  let count = 0;
  for await (const page of rows) {
    await terminal.write(page.map((row, index) => `${count + index === 0 ? '[\n' : ',\n'}${json(row)}`).join(''));
    count += page.length;
  }
  await terminal.write(count === 0 ? '[]\n' : '\n]\n');
  return count;
}

async function printTable<Row>(terminal: Terminal, print: RowsToPrint<Row>): Promise<number> {
  const columns = print.columns.filter(({ isDetail }) => isDetail !== true);
  let widths = columns.map(({ title }) => displayWidth(title));
  let count = 0;
  for await (const page of print.isLive === true ? print.rows : measurable(print.rows)) {
    const texts = page.map((row) => columns.map(({ text }) => visibleText(text(row))));
    widths = widths.map((width, index) => Math.max(width, ...texts.map((row) => displayWidth(row[index] ?? ''))));
    const titles = columns.map(({ title }) => title);
    const head = count === 0 ? `${terminal.style('bold', tableLine(terminal, columns, widths, titles))}\n` : '';
    await terminal.write(head + texts.map((row) => `${tableLine(terminal, columns, widths, row)}\n`).join(''));
    count += page.length;
  }
  return count;
}

/** The same rows, with the first pages put together, so that the columns fit more than the first row. */
async function* measurable<Row>(pages: AsyncIterable<readonly Row[]>): AsyncGenerator<readonly Row[], void, undefined> {
  let first: readonly Row[] | undefined = [];
  for await (const page of pages) {
    if (first === undefined) {
      yield page;
      continue;
    }
    first = [...first, ...page];
    if (first.length < measuredRows) continue;
    yield first;
    first = undefined;
  }
  if (first !== undefined && first.length > 0) yield first;
}

/** One line of a table. Only its last column is cut to the window. */
function tableLine<Row>(
  terminal: Terminal,
  columns: readonly Column<Row>[],
  widths: readonly number[],
  texts: readonly string[],
): string {
  let line = '';
  for (const [index, text] of texts.entries()) {
    const isLast = index === texts.length - 1;
    const room = terminal.width - displayWidth(line);
    if (isLast && columns[index]?.align !== 'right') line += room > 0 ? fitted(text, room) : '';
    else line += `${padded(text, widths[index] ?? 0, columns[index]?.align ?? 'left')}${isLast ? '' : '  '}`;
  }
  return line.trimEnd();
}
