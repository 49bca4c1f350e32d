import { inspect } from 'node:util';

import { ProjectingFailed, type ReadModel } from '../../read-model/index.ts';
import { play, type PlayOptions, type Played } from './play.ts';
import type { AppendedEvent, GivenEvent } from './sample.ts';
import {
  firstDifference,
  keyOf,
  keyTextOf,
  type RowDifference,
  type TableRow,
  type TestDatabase,
} from './table-rows.ts';
import { otherOrders, spread } from './variants.ts';

/** What is done to a read model. */
export type GamedayScenario =
  /** The same events once more, into empty tables. */
  | 'again'
  /** The same events one at a time, and all in one transaction. */
  | 'other-batches'
  /** The run ends at a statement, as in a crash: at each of them in turn. Another run goes on. */
  | 'fail-at-statement'
  /** The events of different streams in other orders. Those of one stream keep theirs. */
  | 'other-order'
  /**
   * Each event twice. A run never does that: rows and checkpoint are written in one transaction. A checkpoint that a
   * person sets does, and tables that are filled by other means. Tables that count are `fragile` then, not wrong.
   */
  | 'twice';

/** An event, as a finding names it. */
export interface FoundEvent {
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
}

/** A way in which a read model does not hold. */
export interface GamedayFinding {
  readonly scenario: GamedayScenario;
  /** `fragile`: only where an event is given twice, which a run never does. */
  readonly verdict: 'wrong' | 'fragile';
  /** What happened, and what it is likely to mean. */
  readonly message: string;
  /** The row that came out differently. */
  readonly row?: { readonly table: string; readonly key: TableRow } | undefined;
  /** The first event after which the row differs, where that can be found out, or else the last that wrote it. */
  readonly event?: FoundEvent | undefined;
}

/** What a game day is played with. */
export interface GamedayOptions {
  /** Events of several streams, with every type that the read model handles. */
  readonly events: readonly (GivenEvent | AppendedEvent)[];
  /** Gives an empty database each time. It is destroyed at the end. Default: SQLite in memory. */
  readonly db?: () => TestDatabase | Promise<TestDatabase>;
  /** Statements at which it ends. Where there are more, they are spread over the whole run. Default: 200. */
  readonly failuresAtMost?: number;
  /** Orders of the streams that are played. The same ones each time. Default: 8. */
  readonly orders?: number;
  /** What is played. Default: all. */
  readonly scenarios?: readonly GamedayScenario[];
}

const hints: Readonly<Record<GamedayScenario, string>> = {
  again: 'a handler depends on more than its event and its tables: the clock, random numbers, a variable',
  'other-batches': 'a handler keeps something between events outside of its tables',
  'fail-at-statement':
    'a handler swallows an error, writes outside of its transaction, or remembers what was rolled back',
  'other-order':
    'a row depends on the order of events of different streams, which two writers or another source may change',
  twice: 'a handler counts, or adds, without looking whether it has seen the event',
};

const all: readonly GamedayScenario[] = ['again', 'other-batches', 'fail-at-statement', 'other-order', 'twice'];

/**
 * Finds out whether the tables depend on nothing but the events: plays them again, in other batches, with crashes, with
 * the streams mixed in other ways, and twice, and compares the rows. A read model of which nothing is `wrong` can be
 * rebuilt and repaired; where nothing is `fragile` either, its checkpoint can be set back by hand.
 */
export async function gameday(model: ReadModel, options: GamedayOptions): Promise<readonly GamedayFinding[]> {
  const { events, scenarios = all } = options;
  const game = new Game(model, options);
  const expected = await play(model, { ...options, events });
  const findings: GamedayFinding[] = [];
  for (const scenario of scenarios) {
    const finding = await game.find(scenario, expected);
    if (finding !== undefined) findings.push(finding);
  }
  return findings;
}

type Variant = Pick<PlayOptions, 'batchSize' | 'failAt' | 'times'>;

const variants: Readonly<Record<GamedayScenario, Variant>> = {
  again: {},
  'other-batches': { batchSize: 1 },
  'fail-at-statement': { batchSize: 10 },
  'other-order': {},
  twice: { times: 2 },
};

class Game {
  readonly #model: ReadModel;
  readonly #options: GamedayOptions;

  constructor(model: ReadModel, options: GamedayOptions) {
    this.#model = model;
    this.#options = options;
  }

  /** Plays all variants of a scenario, until one comes out differently. */
  async find(scenario: GamedayScenario, expected: Played): Promise<GamedayFinding | undefined> {
    const { events, failuresAtMost = 200, orders = 8 } = this.#options;
    if (scenario === 'fail-at-statement') {
      for (const failAt of spread(expected.statements, failuresAtMost)) {
        const found = await this.#compared(scenario, expected, { variant: { batchSize: 10, failAt } });
        if (found !== undefined) return { ...found, message: `Statement ${failAt}: ${found.message}` };
      }
      return undefined;
    }
    if (scenario === 'other-order') {
      for (const other of otherOrders(events, orders)) {
        const found = await this.#compared(scenario, expected, { events: other });
        if (found !== undefined) return found;
      }
      return undefined;
    }
    return this.#compared(scenario, expected);
  }

  /** Plays a variant of the game, and says in which row it came out differently. */
  async #compared(
    scenario: GamedayScenario,
    expected: Played,
    {
      events = this.#options.events,
      variant = variants[scenario],
    }: { readonly events?: GamedayOptions['events']; readonly variant?: Variant } = {},
  ): Promise<GamedayFinding | undefined> {
    const verdict = scenario === 'twice' ? 'fragile' : 'wrong';
    let actual: Played;
    try {
      actual = await this.#play(events, variant);
    } catch (error) {
      const message = error instanceof Error ? error.message : inspect(error);
      const at = error instanceof ProjectingFailed ? error.event : undefined;
      const event = at && { type: at.type, stream: at.stream, revision: Number(at.revision) };
      return { scenario, verdict, message: `it failed: ${message}: ${hints[scenario]}.`, event };
    }
    const difference = firstDifference(this.#model, expected.tables, actual.tables);
    if (difference === undefined) return undefined;
    const { table, expected: row, actual: other } = difference;
    const key = keyOf(this.#model, table, row ?? other ?? {});
    const event =
      (scenario === 'other-order' ? undefined : await this.#firstEvent(difference, variant)) ??
      this.#lastWriter(difference, { events, played: actual }) ??
      this.#lastWriter(difference, { events: this.#options.events, played: expected });
    const since = event === undefined ? '' : ` since ${event.type} ${event.revision}@${event.stream}`;
    const message = `${table} holds ${inspect(other)} in place of ${inspect(row)}${since}: ${hints[scenario]}.`;
    return { scenario, verdict, message, row: { table, key }, event };
  }

  #play(events: GamedayOptions['events'], variant: Variant): Promise<Played> {
    return play(this.#model, { ...this.#options, ...variant, events });
  }

  /**
   * The event at which the row comes out differently for the first time, by halving the events. `undefined` when fewer
   * events show no difference: what a handler remembers is another by now.
   */
  async #firstEvent({ table, expected, actual }: RowDifference, variant: Variant): Promise<FoundEvent | undefined> {
    const { events } = this.#options;
    const key = keyTextOf(this.#model, table, expected ?? actual ?? {});
    let [same, other] = [0, events.length];
    while (other - same > 1) {
      const middle = Math.floor((same + other) / 2);
      const start = events.slice(0, middle);
      const plain = await this.#play(start, {});
      const tables = await this.#play(start, variant).then(
        (played) => played.tables,
        () => undefined,
      );
      const row = (found: Played['tables'] | undefined): string =>
        inspect(found?.get(table)?.find((each) => keyTextOf(this.#model, table, each) === key));
      if (row(plain.tables) === row(tables)) same = middle;
      else other = middle;
    }
    return other === events.length ? undefined : foundEvent(events, other - 1);
  }

  #lastWriter(
    { table, expected, actual }: RowDifference,
    { events, played }: { readonly events: GamedayOptions['events']; readonly played: Played },
  ): FoundEvent | undefined {
    const index = played.writers.get(table)?.get(keyTextOf(this.#model, table, expected ?? actual ?? {}));
    return index === undefined ? undefined : foundEvent(events, index);
  }
}

function foundEvent(events: GamedayOptions['events'], index: number): FoundEvent | undefined {
  const found = events[index];
  if (found === undefined) return undefined;
  const revision = events.slice(0, index).filter(({ stream }) => stream === found.stream).length;
  return { type: 'event' in found ? found.event.type : found.type, stream: found.stream, revision };
}
