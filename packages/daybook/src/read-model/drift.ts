import type { Row } from './rows.ts';
import type { EventPlace } from './trace.ts';

/**
 * How a row and the log disagree.
 *
 * - `missing-row`: the log makes the row, and it is not there.
 * - `ghost-row`: the row is there, and the log does not make it.
 * - `missing-events`: the row is what the log makes without some events.
 * - `applied-twice`: the row is what the log makes when some events are counted twice.
 * - `foreign-write`: no events of the log make the row: something else wrote to it.
 * - `code-changed`: the row was built by other code than the one it is compared with.
 * - `unexplained`: the row differs, and there were too many differences to look into each.
 */
export type DriftClass =
  | 'missing-row'
  | 'ghost-row'
  | 'missing-events'
  | 'applied-twice'
  | 'foreign-write'
  | 'code-changed'
  | 'unexplained';

/** A value that is not what the log says. */
export interface ColumnDrift {
  readonly column: string;
  readonly live: unknown;
  readonly expected: unknown;
}

/** A row that is not what the log says. */
export interface Drift {
  readonly table: string;
  readonly key: Row;
  readonly class: DriftClass;
  readonly columns: readonly ColumnDrift[];
  /** The first event at which row and log part, when there is one. */
  readonly since: EventPlace | undefined;
}
