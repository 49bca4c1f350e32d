import { DaybookError } from '../store/errors.ts';
import type { Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { issuesText, type SchemaIssue } from './standard-schema.ts';

/** The text cannot be a category, so no stream of it could be told from others. */
export class InvalidCategory extends DaybookError {
  override readonly name = 'InvalidCategory';
  readonly code = 'invalid-category';
  readonly category: string;
  readonly reason: string;

  constructor(category: string, reason: string) {
    super(`${JSON.stringify(category)} is not a category: ${reason}.`);
    this.category = category;
    this.reason = reason;
  }
}

/** The data of an event are not what its schema asks for. Nothing was written. */
export class InvalidEventData extends DaybookError {
  override readonly name = 'InvalidEventData';
  readonly code = 'invalid-event-data';
  readonly type: string;
  readonly issues: readonly SchemaIssue[];

  constructor(type: string, issues: readonly SchemaIssue[], options?: ErrorOptions) {
    super(`The data of ${type} are not what its schema asks for: ${issuesText(issues)}.`, options);
    this.type = type;
    this.issues = issues;
  }
}

/** An event that is to be appended is not declared for the view that its command decides on. Nothing was written. */
export class UndeclaredEvent extends DaybookError {
  override readonly name = 'UndeclaredEvent';
  readonly code = 'undeclared-event';
  readonly type: string;
  readonly categories: readonly string[];

  constructor(type: string, categories: readonly string[]) {
    super(`Events of ${categories.join(', ')} have no type ${type}. Declare it in events().`);
    this.type = type;
    this.categories = categories;
  }
}

/** Where an event stands. */
interface EventPlace {
  readonly stream: StreamName;
  readonly revision: Revision;
  readonly type: string;
}

/** A stored event is not what today's schema asks for, and the events were declared with `onRead: 'strict'`. */
export class StoredEventNotValid extends DaybookError {
  override readonly name = 'StoredEventNotValid';
  readonly code = 'stored-event-not-valid';
  readonly stream: StreamName;
  readonly revision: Revision;
  readonly type: string;
  readonly issues: readonly SchemaIssue[];

  constructor({ stream, revision, type }: EventPlace, issues: readonly SchemaIssue[]) {
    super(
      `Event ${revision}@${stream} (${type}) is not what its schema asks for: ${issuesText(issues)}. Upcast the old shape.`,
    );
    this.stream = stream;
    this.revision = revision;
    this.type = type;
    this.issues = issues;
  }
}

/** A step from an old shape to the next one threw. */
export class UpcastFailed extends DaybookError {
  override readonly name = 'UpcastFailed';
  readonly code = 'upcast-failed';
  readonly stream: StreamName;
  readonly revision: Revision;
  readonly type: string;
  /** Of the steps that are declared for the type: 0 for the first. */
  readonly step: number;

  constructor({ stream, revision, type }: EventPlace, step: number, options: ErrorOptions) {
    super(
      `Step ${step} of upcasting ${type} failed at event ${revision}@${stream}: ${String(options.cause)}.`,
      options,
    );
    this.stream = stream;
    this.revision = revision;
    this.type = type;
    this.step = step;
  }
}

/** The input of a command is not what its schema asks for. Nothing was decided. */
export class InvalidCommandInput extends DaybookError {
  override readonly name = 'InvalidCommandInput';
  readonly code = 'invalid-command-input';
  readonly issues: readonly SchemaIssue[];

  constructor(issues: readonly SchemaIssue[]) {
    super(`The input of the command is not what its schema asks for: ${issuesText(issues)}.`);
    this.issues = issues;
  }
}

/** A command was handled under this id before, with another input. Nothing was written. */
export class CommandIdReused extends DaybookError {
  override readonly name = 'CommandIdReused';
  readonly code = 'command-id-reused';
  readonly commandId: string;
  readonly stream: StreamName;
  /** Of the first event of the command that had the id. */
  readonly revision: Revision;

  constructor({ commandId, stream, revision }: { commandId: string; stream: StreamName; revision: Revision }) {
    super(
      `The command id ${commandId} belongs to another command, whose events begin at ${revision}@${stream}. Give each command an id of its own.`,
    );
    this.commandId = commandId;
    this.stream = stream;
    this.revision = revision;
  }
}

/** Other writers were first, each time. Nothing was written. */
export class TooManyConflicts extends DaybookError {
  override readonly name = 'TooManyConflicts';
  readonly code = 'too-many-conflicts';
  readonly stream: StreamName;
  readonly attempts: number;

  constructor(stream: StreamName, attempts: number, options: ErrorOptions) {
    super(
      `Stream ${stream} changed during each of ${attempts} attempts to decide and append. Try again later.`,
      options,
    );
    this.stream = stream;
    this.attempts = attempts;
  }
}

/** A state has something in it that JSON has not, so it cannot be kept outside of the process. */
export class StateNotJson extends DaybookError {
  override readonly name = 'StateNotJson';
  readonly code = 'state-not-json';
  /** Where in the state it is. */
  readonly path: readonly string[];
  readonly found: string;

  constructor(path: readonly string[], found: string) {
    super(`The state has a ${found} at ${path.length === 0 ? 'its top' : path.join('.')}, and only JSON can be kept.`);
    this.path = path;
    this.found = found;
  }
}
