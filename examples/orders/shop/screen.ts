import type { EventStore } from 'daybook';
import { lookAtConsumers, type ConsumerLook } from 'daybook/consumer';

/** Where the screen goes. `process.stdout` is one. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** On a terminal the table is drawn anew so often, elsewhere a line is written. */
const terminalMs = 500;
const pipeMs = 5_000;

/** Shows every consumer and read model of a store, as the log knows them, until the signal. */
export async function showConsumers(store: EventStore, output: Output, signal: AbortSignal): Promise<void> {
  const isTerminal = output.isTTY === true;
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  for (let drawn = 0; !signal.aborted;) {
    const looks = await lookAtConsumers(store, { nowMs: Date.now() });
    const { position = 0n } = await store.head();
    if (isTerminal) {
      output.write(`${drawn > 0 ? `\u001B[${drawn}A\u001B[J` : ''}${table(looks, position)}`);
      drawn = table(looks, position).split('\n').length - 1;
    } else {
      output.write(`${line(looks, position)}\n`);
    }
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, isTerminal ? terminalMs : pipeMs);
    await Promise.race([timer.promise, stopped]);
    clearTimeout(timeout);
  }
}

const columns = ['service', 'state', 'behind', 'oldest', 'a second', 'parked'] as const;

/** A table of consumers, a line each. */
function table(looks: readonly ConsumerLook[], position: bigint): string {
  const rows = [columns, ...looks.map(cells)];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  return `\n${lines.map((text) => `  ${text.trimEnd()}`).join('\n')}\n\n  The log has ${position} events. Ctrl-C stops everything.\n`;
}

function cells(look: ConsumerLook): readonly string[] {
  const { consumer, health, lagEvents, oldest, oldestAgeMs, status, parkedStreams } = look;
  return [
    consumer,
    health,
    String(lagEvents),
    oldest === undefined ? '–' : `${(oldestAgeMs / 1_000).toFixed(1)} s`,
    (status?.ratePerSecond ?? 0).toFixed(1),
    String(parkedStreams),
  ];
}

function line(looks: readonly ConsumerLook[], position: bigint): string {
  return [
    `${position} events`,
    ...looks.map(({ consumer, health, lagEvents }) => `${consumer} ${health}, ${lagEvents} behind`),
  ].join(' · ');
}
