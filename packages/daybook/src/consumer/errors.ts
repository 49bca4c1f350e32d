import { DaybookError } from '../store/errors.ts';
import type { Position } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';

/** Nobody has ever run a consumer of this name on this source, and it does not say where to begin. */
export class ConsumerIsNew extends DaybookError {
  override readonly name = 'ConsumerIsNew';
  readonly code = 'consumer-is-new';
  readonly consumer: string;
  readonly source: StreamName;

  constructor(consumer: string, source: StreamName, checkpointStream: StreamName) {
    super(
      `The consumer ${consumer} has no checkpoint for ${source}: there is no stream ${checkpointStream}. ` +
        `If its name is right, say where it begins with startAt: 'beginning', 'now', a revision or a time.`,
    );
    this.consumer = consumer;
    this.source = source;
  }
}

/** The checkpoint stream belongs to another pair of source and consumer, whose names become the same. */
export class CheckpointCollision extends DaybookError {
  override readonly name = 'CheckpointCollision';
  readonly code = 'checkpoint-collision';
  readonly checkpointStream: StreamName;
  readonly owner: string;

  constructor(checkpointStream: StreamName, wanted: string, owner: string) {
    super(
      `The checkpoint stream ${checkpointStream} of ${wanted} belongs to ${owner} already: without $ and - both have ` +
        'the same name. Rename the consumer.',
    );
    this.checkpointStream = checkpointStream;
    this.owner = owner;
  }
}

/** The last event of a checkpoint stream says nothing that can be followed. */
export class CheckpointUnreadable extends DaybookError {
  override readonly name = 'CheckpointUnreadable';
  readonly code = 'checkpoint-unreadable';
  readonly checkpointStream: StreamName;

  constructor(checkpointStream: StreamName, reason: string) {
    super(
      `The last event of ${checkpointStream} is no checkpoint: ${reason}. Set one with 'daybook checkpoint set', or go ` +
        `back with 'daybook checkpoint undo'.`,
    );
    this.checkpointStream = checkpointStream;
  }
}

/** What is about a checkpoint that does not fit the log. */
interface Unfit {
  readonly checkpointStream: StreamName;
  readonly source: StreamName;
  readonly pos: bigint;
}

/** A checkpoint lies behind the end of its source: the log has lost events that the consumer has seen. */
export class CheckpointAheadOfLog extends DaybookError {
  override readonly name = 'CheckpointAheadOfLog';
  readonly code = 'checkpoint-ahead-of-log';
  readonly checkpointStream: StreamName;
  readonly source: StreamName;
  readonly pos: bigint;
  readonly end: bigint;

  constructor({ checkpointStream, source, pos }: Unfit, end: bigint) {
    super(
      `The checkpoint in ${checkpointStream} is ${pos}, and ${source} ends at ${end}: the log was restored, or the ` +
        `checkpoint is of another one. Look at what is missing, then 'daybook checkpoint set' to a number that is there.`,
    );
    this.checkpointStream = checkpointStream;
    this.source = source;
    this.pos = pos;
    this.end = end;
  }
}

/** A checkpoint was made on another log, or on this one before it was restored. */
export class CheckpointOfOtherLog extends DaybookError {
  override readonly name = 'CheckpointOfOtherLog';
  readonly code = 'checkpoint-of-other-log';
  readonly checkpointStream: StreamName;
  readonly source: StreamName;
  readonly pos: bigint;

  constructor({ checkpointStream, source, pos }: Unfit, reason: string) {
    super(
      `The checkpoint ${pos} in ${checkpointStream} is not of this log: ${reason}. Effects of events that are gone may ` +
        `be out in the world. When you have looked, confirm with 'daybook checkpoint set' (${pos}, or another number).`,
    );
    this.checkpointStream = checkpointStream;
    this.source = source;
    this.pos = pos;
  }
}

/** At the place that a checkpoint names stands another event than the one that the consumer has seen. */
export class CheckpointMismatch extends DaybookError {
  override readonly name = 'CheckpointMismatch';
  readonly code = 'checkpoint-mismatch';
  readonly checkpointStream: StreamName;
  readonly source: StreamName;
  readonly pos: bigint;
  readonly seenId: string;
  readonly foundId: string;

  constructor({ checkpointStream, source, pos }: Unfit, seenId: string, foundId: string) {
    super(
      `The checkpoint in ${checkpointStream} has seen event ${seenId} at ${pos} of ${source}; now ${foundId} stands ` +
        `there. The log was restored. Look at what is different, then confirm with 'daybook checkpoint set'.`,
    );
    this.checkpointStream = checkpointStream;
    this.source = source;
    this.pos = pos;
    this.seenId = seenId;
    this.foundId = foundId;
  }
}

/** A consumer has no checkpoint where one was asked for. */
export class NoCheckpoint extends DaybookError {
  override readonly name = 'NoCheckpoint';
  readonly code = 'no-checkpoint';
  readonly checkpointStream: StreamName;

  constructor(checkpointStream: StreamName, what = 'is no checkpoint') {
    super(`In ${checkpointStream} there ${what}. 'daybook checkpoint history' shows those that are there.`);
    this.checkpointStream = checkpointStream;
  }
}

/** A consumer has given up at an event, and waits for a person. */
export class ConsumerFailed extends DaybookError {
  override readonly name = 'ConsumerFailed';
  readonly code = 'consumer-failed';
  readonly consumer: string;
  readonly attempts: number;
  /** Where it stands, when the failure belongs to an event. */
  readonly at: { readonly stream: StreamName; readonly revision: bigint; readonly type: string } | undefined;

  constructor(consumer: string, facts: Pick<ConsumerFailed, 'attempts' | 'at'>, options: ErrorOptions) {
    const { attempts, at } = facts;
    const where = at === undefined ? '' : ` at ${at.type} ${at.revision}@${at.stream} after ${attempts} attempts`;
    const why = options.cause instanceof Error ? options.cause.message : String(options.cause);
    super(
      `The consumer ${consumer} failed${where}: ${why} Remove the cause and 'daybook consumers retry ${consumer}'.`,
      options,
    );
    this.consumer = consumer;
    this.attempts = attempts;
    this.at = at;
  }
}

/** A handler took longer than it was given. Its signal was aborted, or, in a read model, its transaction rolled back. */
export class HandlerTimedOut extends DaybookError {
  override readonly name = 'HandlerTimedOut';
  readonly code = 'handler-timed-out';
  readonly timeoutMs: number;
  /**
   * `still-running`: it did not react to its signal, so it cannot be tried again. `shut-out`: it may still be running, and
   * can do nothing more in the tables of its read model. `left-waiting`: the same, and a statement of it still waits.
   */
  readonly outcome: 'ended' | 'still-running' | 'shut-out' | 'left-waiting';

  constructor(timeoutMs: number, outcome: HandlerTimedOut['outcome']) {
    super(`The handler did not return within ${timeoutMs} ms.${whatBecomesOf[outcome]}`);
    this.timeoutMs = timeoutMs;
    this.outcome = outcome;
  }
}

const whatBecomesOf: Readonly<Record<HandlerTimedOut['outcome'], string>> = {
  ended: '',
  'still-running': ' It does not react to its signal, and is left behind.',
  'shut-out': ' It is left behind: what it did is rolled back, and what it does from now on is refused.',
  'left-waiting':
    ' It is left behind: a statement of it still waits, perhaps for a lock, and then all of it is rolled back.',
};

/** Another instance has taken the consumer over. This one writes no checkpoint any more, and stands by. */
export class ConsumerTakenOver extends DaybookError {
  override readonly name = 'ConsumerTakenOver';
  readonly code = 'consumer-taken-over';
  readonly consumer: string;

  constructor(consumer: string, token: number) {
    super(`Another instance of ${consumer} has taken over: token ${token} is stale.`);
    this.consumer = consumer;
  }
}

/** A consumer did not get so far in time, or ended before. */
export class ConsumerNotThere extends DaybookError {
  override readonly name = 'ConsumerNotThere';
  readonly code = 'consumer-not-there';
  readonly consumer: string;
  readonly position: Position;

  constructor(consumer: string, position: Position, reason: string) {
    super(`The consumer ${consumer} has not reached position ${position}: ${reason}.`);
    this.consumer = consumer;
    this.position = position;
  }
}

/** Nothing is parked where something was to be retried or skipped. */
export class NothingParked extends DaybookError {
  override readonly name = 'NothingParked';
  readonly code = 'nothing-parked';
  readonly consumer: string;

  constructor(consumer: string, stream: string | undefined) {
    super(`The consumer ${consumer} has parked nothing${stream === undefined ? '' : ` of ${stream}`}.`);
    this.consumer = consumer;
  }
}

/** Nobody answers to this name: no status, no checkpoint. */
export class NoSuchConsumer extends DaybookError {
  override readonly name = 'NoSuchConsumer';
  readonly code = 'no-such-consumer';
  readonly consumer: string;

  constructor(consumer: string) {
    super(
      `There is no consumer ${consumer}: it has never run on this store. 'daybook consumers' lists those that have.`,
    );
    this.consumer = consumer;
  }
}

/** An alert did not reach its target. It is sent again at the next look. */
export class AlertNotDelivered extends DaybookError {
  override readonly name = 'AlertNotDelivered';
  readonly code = 'alert-not-delivered';
  readonly target: string;

  constructor(target: string, reason: string, options?: ErrorOptions) {
    super(`The alert was not delivered to ${target}: ${reason}.`, options);
    this.target = target;
  }
}
