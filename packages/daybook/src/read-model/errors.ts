import { DaybookError } from '../store/errors.ts';
import type { Position } from '../store/position.ts';
import type { RunStateName, RunStatus } from './run-state.ts';

/** The definition of a read model says something that cannot be. */
export class InvalidReadModel extends DaybookError {
  override readonly name = 'InvalidReadModel';
  readonly code = 'invalid-read-model';
  readonly model: string;

  constructor(model: string, reason: string) {
    super(`The read model ${JSON.stringify(model)} is not valid: ${reason}.`);
    this.model = model;
  }
}

/** A handler or a migration runs a statement that cannot be watched, so its rows could not be verified. */
export class UnsupportedStatement extends DaybookError {
  override readonly name = 'UnsupportedStatement';
  readonly code = 'unsupported-statement';
  readonly model: string;

  constructor(model: string, reason: string) {
    super(`The read model ${JSON.stringify(model)} runs a statement that cannot be: ${reason}.`);
    this.model = model;
  }
}

/** A handler failed at an event, and went on failing. Nothing of that event, and nothing after it, is in the tables. */
export class ProjectingFailed extends DaybookError {
  override readonly name = 'ProjectingFailed';
  readonly code = 'projecting-failed';
  readonly model: string;
  /** The event, when the failure belongs to one. */
  readonly event: FailedEvent | undefined;

  constructor(model: string, event: FailedEvent | undefined, cause: unknown) {
    const at =
      event === undefined ? '' : ` at ${event.type} ${event.revision}@${event.stream} (position ${event.position})`;
    super(
      `The read model ${JSON.stringify(model)} failed${at}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
    this.model = model;
    this.event = event;
  }
}

/** The event that a handler failed at. */
export interface FailedEvent {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: bigint;
  readonly type: string;
  readonly id: string;
}

/**
 * Another instance took the read model over, or its tables were put back to an earlier copy of themselves. What this one
 * was about to write was rolled back.
 */
export class LeaseLost extends DaybookError {
  override readonly name = 'LeaseLost';
  readonly code = 'lease-lost';
  readonly model: string;
  readonly token: bigint;

  constructor(model: string, token: bigint) {
    super(
      `The read model ${JSON.stringify(model)} belongs to another instance by now, or was restored: token ${token} is stale. ` +
        'What it was about to write was rolled back.',
    );
    this.model = model;
    this.token = token;
  }
}

/** Another instance writes the read model, and the caller needs it alone. */
export class ReadModelInUse extends DaybookError {
  override readonly name = 'ReadModelInUse';
  readonly code = 'read-model-in-use';
  readonly model: string;
  readonly owner: string;

  constructor(model: string, owner: string) {
    super(
      `The read model ${JSON.stringify(model)} is written by ${owner}. Stop it first, or wait until its lease has run out.`,
    );
    this.model = model;
    this.owner = owner;
  }
}

/**
 * An open transaction holds the checkpoint, such as a batch of a process that is stopped; or the tables, such as a long
 * report. Nothing was changed.
 */
export class ReadModelLocked extends DaybookError {
  override readonly name = 'ReadModelLocked';
  readonly code = 'read-model-locked';
  readonly model: string;
  /** The instance that has the lease. */
  readonly owner: string | undefined;
  /** The process of the database server that the transaction belongs to. */
  readonly pid: number | undefined;

  constructor(
    model: string,
    facts: { readonly owner: string | undefined; readonly pid: number | undefined; readonly cause: unknown },
  ) {
    const { owner, pid, cause } = facts;
    const whose = owner === undefined ? '' : `, and ${owner} has its lease`;
    const way = pid === undefined ? '' : `, or terminate process ${pid} of the database server`;
    super(
      `An open transaction holds the checkpoint, or a table, of the read model ${JSON.stringify(model)}${whose}. ` +
        `Stop the process that it belongs to${way}. Then try again.`,
      { cause },
    );
    this.model = model;
    this.owner = owner;
    this.pid = pid;
  }
}

/** Ghosts that the message names. */
const namedGhosts = 20;

/**
 * An event that a read model has seen and that its log no longer has. Known are the last one of each batch, and those
 * that wrote a row last; `id` only of the first of these.
 */
export interface GhostEvent {
  readonly position: Position;
  readonly id: string | undefined;
}

/**
 * The read model was built from a log that has since been restored, replaced, or lost its end: it has seen events that
 * are not there. Nothing was written.
 */
export class LogRestored extends DaybookError {
  override readonly name = 'LogRestored';
  readonly code = 'log-restored';
  readonly model: string;
  readonly reason: 'other-log' | 'checkpoint-ahead' | 'other-event';
  /** The last position up to which both are known to agree. Absent when there is none. */
  readonly agreesUpTo: Position | undefined;
  /** How many events it has seen since. Those of several sources count for each; absent when it follows `$all`. */
  readonly seenEvents: number | undefined;
  /** Those of them that are known to be gone, in the order of the log. There may be more: see `GhostEvent`. */
  readonly ghosts: readonly GhostEvent[];

  constructor(facts: {
    readonly model: string;
    readonly reason: LogRestored['reason'];
    readonly agreesUpTo: Position | undefined;
    readonly seenEvents: number | undefined;
    readonly ghosts: readonly GhostEvent[];
  }) {
    const { model, reason, agreesUpTo, seenEvents, ghosts } = facts;
    const named = ghosts
      .slice(0, namedGhosts)
      .map(({ position, id }) => (id === undefined ? `${position}` : `${id} at ${position}`))
      .join(', ');
    const since = agreesUpTo === undefined ? '' : ` after position ${agreesUpTo}`;
    const seen = seenEvents === undefined ? '' : `${seenEvents} `;
    const more = ghosts.length > namedGhosts ? ', …' : '';
    const known =
      ghosts.length === 0
        ? 'none of which is known by name'
        : `${ghosts.length} are known to be gone (${named}${more})`;
    super(
      `The read model ${JSON.stringify(model)} was built from ${reason === 'other-log' ? 'another log' : 'a log that has since been restored'}: ` +
        `of the ${seen}events that it has seen${since}, ${known}. Rebuild it from this log, or put the right log back.`,
    );
    this.model = model;
    this.reason = reason;
    this.agreesUpTo = agreesUpTo;
    this.seenEvents = seenEvents;
    this.ghosts = ghosts;
  }
}

/** The tables are there and the checkpoint is not: somebody restored or made them by other means. */
export class CheckpointMissing extends DaybookError {
  override readonly name = 'CheckpointMissing';
  readonly code = 'checkpoint-missing';
  readonly model: string;
  readonly table: string;

  constructor(model: string, table: string) {
    super(
      `The read model ${JSON.stringify(model)} has no checkpoint, and its table ${table} is there already. ` +
        `Take the table over with 'daybook model adopt', or drop it to begin from the first event.`,
    );
    this.model = model;
    this.table = table;
  }
}

/** There is no such read model in this database. */
export class ReadModelMissing extends DaybookError {
  override readonly name = 'ReadModelMissing';
  readonly code = 'read-model-missing';
  readonly model: string;

  constructor(model: string) {
    super(`The read model ${JSON.stringify(model)} has never run on this database. Run it, or adopt its tables.`);
    this.model = model;
  }
}

/** The read model did not get so far in time. */
export class NotReached extends DaybookError {
  override readonly name = 'NotReached';
  readonly code = 'not-reached';
  readonly model: string;
  readonly wanted: Position;
  readonly reached: Position | undefined;
  /** What the run was doing then. */
  readonly state: RunStateName;

  constructor(wanted: Position, timeoutMs: number, { model, position, state, reason, lastError }: RunStatus) {
    const why = reason ?? (lastError instanceof Error ? lastError.message : undefined);
    super(
      `The read model ${JSON.stringify(model)} was at position ${position ?? 'none'} after ${timeoutMs} ms; ${wanted} was waited for. ` +
        `It is ${state.replace('-', ' ')}${why === undefined ? '.' : `: ${why}`}`,
    );
    this.model = model;
    this.wanted = wanted;
    this.reached = position;
    this.state = state;
  }
}

/** The run was stopped before what was waited for. */
export class ReadModelStopped extends DaybookError {
  override readonly name = 'ReadModelStopped';
  readonly code = 'read-model-stopped';
  readonly model: string;

  constructor(model: string) {
    super(`The run of the read model ${JSON.stringify(model)} was stopped. Run it again.`);
    this.model = model;
  }
}

/** The read model was set back, or given another copy of its tables, while it was verified. */
export class VerifyInterrupted extends DaybookError {
  override readonly name = 'VerifyInterrupted';
  readonly code = 'verify-interrupted';
  readonly model: string;

  constructor(model: string) {
    super(`The read model ${JSON.stringify(model)} was set back while it was verified. Verify it again.`);
    this.model = model;
  }
}

/** The tables were built by other code than the one they are compared with. */
export class NeedsRebuild extends DaybookError {
  override readonly name = 'NeedsRebuild';
  readonly code = 'needs-rebuild';
  readonly model: string;

  constructor(model: string) {
    super(`The tables of the read model ${JSON.stringify(model)} were built by other code than this. Rebuild it.`);
    this.model = model;
  }
}

/**
 * The tables were built by code that took the place of this one, so this one does not rebuild them by itself: at the next
 * failover the other would rebuild them again. It waits, writes nothing, and says so.
 */
export class ReadModelSuperseded extends DaybookError {
  override readonly name = 'ReadModelSuperseded';
  readonly code = 'read-model-superseded';
  readonly model: string;
  /** The code whose tables took the place of those of this code. */
  readonly by: string;

  constructor({ name, code }: { readonly name: string; readonly code: string }, by: string, since: Date) {
    super(
      `The tables of the read model ${JSON.stringify(name)} by this code (${code}) were replaced by those of other code (${by}) ` +
        `at ${since.toISOString()}. Run that code, or rebuild with this one: 'daybook model rebuild'.`,
    );
    this.model = name;
    this.by = by;
  }
}

/** The log, folded twice, gave different rows: a handler depends on more than its events. The old tables stay. */
export class RebuildNotProven extends DaybookError {
  override readonly name = 'RebuildNotProven';
  readonly code = 'rebuild-not-proven';
  readonly model: string;
  readonly differing: number;

  constructor(model: string, differing: number) {
    super(
      `The read model ${JSON.stringify(model)} came out differently in ${differing} rows when the log was folded again: ` +
        'a handler depends on more than its events, such as the clock. The old tables stay.',
    );
    this.model = model;
    this.differing = differing;
  }
}

/** Another instance builds the tables anew, and may be alive. Nothing was changed. */
export class RebuildUnderWay extends DaybookError {
  override readonly name = 'RebuildUnderWay';
  readonly code = 'rebuild-under-way';
  readonly model: string;
  /** The instance that builds them. */
  readonly owner: string;

  constructor(model: string, owner: string) {
    super(
      `The tables of the read model ${JSON.stringify(model)} are being built anew by ${owner}. Wait until it has ended, ` +
        'or stop it: what it leaves is gone on with, at once when it is known to be gone, else when its lease has run out.',
    );
    this.model = model;
    this.owner = owner;
  }
}

/** The rows that differ could not be put right one by one. Nothing was committed. */
export class NotPutRight extends DaybookError {
  override readonly name = 'NotPutRight';
  readonly code = 'not-put-right';
  readonly model: string;

  constructor(model: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : 'putting some right made others wrong';
    super(
      `The rows of the read model ${JSON.stringify(model)} could not be put right in place: ${why}. Nothing was changed. ` +
        `Build its tables anew instead: 'daybook model repair --in-place 0', or 'daybook model rebuild'.`,
      { cause },
    );
    this.model = model;
  }
}

/** No tables were replaced that could be put back. */
export class NothingToSwitchBack extends DaybookError {
  override readonly name = 'NothingToSwitchBack';
  readonly code = 'nothing-to-switch-back';
  readonly model: string;

  constructor(model: string) {
    super(`The read model ${JSON.stringify(model)} has no earlier tables in this database. Rebuild it.`);
    this.model = model;
  }
}

/** The tables agree with no state of the log. */
export class NotLocated extends DaybookError {
  override readonly name = 'NotLocated';
  readonly code = 'not-located';
  readonly model: string;

  constructor(model: string) {
    super(`No event explains what the tables of ${JSON.stringify(model)} hold. Rebuild it from the first event.`);
    this.model = model;
  }
}
