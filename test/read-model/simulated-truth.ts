import type { SimulatedDatabase } from './simulated-database.ts';
import { Fold, type Known, type Tables, type Version } from './simulated-model.ts';

/** The tables as they must be, up to an event. */
export interface Expected {
  readonly fold: Fold;
  readonly at: Known | undefined;
}

interface CheckpointRow {
  readonly position: number | null;
  readonly event_id: string | null;
  readonly token: number;
  readonly owner: string | null;
}

/** Who rebuilds. */
export const operator = 'operator';

/** Knows what the tables must hold, and compares whenever something is committed. */
export class Truth {
  readonly problems: Set<string> = new Set();
  /** Who committed what. */
  readonly commits: string[] = [];
  readonly #database: SimulatedDatabase;
  /** The events of the log, and, before them, those of the logs that were there before it was restored. */
  readonly #histories: Known[][] = [[]];
  #expected: Expected = { fold: new Fold(), at: undefined };
  #token = 0;

  constructor(database: SimulatedDatabase) {
    this.#database = database;
  }

  get expected(): Expected {
    return this.#expected;
  }

  /** What is in the log. */
  get events(): readonly Known[] {
    return this.#histories.at(-1) ?? [];
  }

  appended(event: Known): void {
    this.#histories.at(-1)?.push(event);
  }

  /** The log was put back: these are left. */
  logRestored(ids: ReadonlySet<string>): void {
    this.#histories.push(this.events.filter(({ id }) => ids.has(id)));
  }

  /** The database was put back to what was expected then. */
  databaseRestored(expected: Expected): void {
    this.#expected = expected;
    this.#token = this.#checkpoint()?.token ?? 0;
  }

  /** The tables after everything up to a position. */
  folded(upTo: number, version: Version): Expected {
    const fold = new Fold();
    for (const event of this.events) if (event.position <= upTo) fold.add(event, version);
    return { fold, at: this.events.findLast(({ position }) => position <= upTo) };
  }

  /** Called after everything that anybody brings into the database. */
  committed(holder: string, version: Version): void {
    const row = this.#checkpoint();
    if (row === undefined) return;
    this.commits.push(`${holder} ${row.position} ${row.token}`);
    if (holder === operator && row.token !== this.#token) {
      this.#expected = this.folded(row.position ?? 0, version);
    } else if (row.position !== null && row.position !== Number(this.#expected.at?.position ?? 0)) {
      this.#moved(row, holder, version);
    }
    this.#token = row.token;
    if (this.#tables() !== this.#expected.fold.text()) this.problems.add(`the tables are wrong after ${holder}`);
  }

  #moved({ position, event_id: eventId, owner }: CheckpointRow, holder: string, version: Version): void {
    const { fold, at } = this.#expected;
    if (owner !== holder) this.problems.add(`${holder} moved the checkpoint of ${owner}`);
    // Events that were read before the log was restored may come after.
    const history = this.#histories.findLast((events) => events.some(({ id }) => id === eventId)) ?? [];
    if (at !== undefined && !history.some(({ id }) => id === at.id)) {
      this.problems.add('events of one log were projected onto those of another');
    }
    const next = new Fold(fold);
    for (const event of history) {
      if (event.position > (at?.position ?? 0n) && event.position <= (position ?? 0)) next.add(event, version);
    }
    const last = history.find(({ id }) => id === eventId);
    if (Number(last?.position) !== position) this.problems.add('the checkpoint names another event');
    this.#expected = { fold: next, at: last };
  }

  #checkpoint(): CheckpointRow | undefined {
    const found = this.#database.rows("SELECT name FROM sqlite_master WHERE name IN ('daybook_read_model', 'orders')");
    if (found.length < 2) return undefined;
    const sql = "SELECT position, event_id, token, owner FROM daybook_read_model WHERE name = 'orders'";
    const [row] = this.#database.rows(sql) as readonly CheckpointRow[]; // These are its columns.
    return row;
  }

  #tables(): string {
    const orders = this.#database.rows('SELECT id, changes, total, trail FROM orders ORDER BY id');
    const kinds = this.#database.rows('SELECT kind, seen FROM kinds ORDER BY kind');
    return [
      ...(orders as readonly Tables['orders'][]).map((order) => rowText(order)),
      ...(kinds as readonly Tables['kinds'][]).map(({ kind, seen }) => `${kind} ${seen}`),
    ].join('\n');
  }
}

function rowText({ id, changes, total, trail }: Tables['orders']): string {
  return `${id} ${changes} ${total} ${trail}`;
}
