import type { Position, Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { Decision, Refusal } from './command.ts';
import type { DomainEvent } from './events.ts';

/** An event that a command gave. */
export interface HandledEvent extends DomainEvent {
  readonly id: string;
  readonly revision: Revision;
}

/** The command gave events, now (`appended`) or when it was handled before (`repeated`); then all else is as it was. */
export interface HandledEvents {
  readonly outcome: 'appended' | 'repeated';
  readonly stream: StreamName;
  readonly firstRevision: Revision;
  /** Of the last event. */
  readonly revision: Revision;
  /** Of the last event. */
  readonly position: Position;
  readonly events: readonly HandledEvent[];
}

/** There was nothing to do. */
export interface HandledNothing {
  readonly outcome: 'unchanged';
  readonly stream: StreamName;
  /** Of the last event of the stream. Absent when it has none. */
  readonly revision: Revision | undefined;
  readonly position: Position | undefined;
}

/** The command was refused. */
export interface HandledRefusal<Code extends string = string, Facts = unknown> {
  readonly outcome: 'refused';
  readonly stream: StreamName;
  readonly revision: Revision | undefined;
  readonly position: Position | undefined;
  readonly code: Code;
  readonly facts: Facts;
}

/** What became of a command that decides so. */
export type Handled<Decided extends Decision = Decision> =
  | HandledEvents
  | HandledNothing
  | (Decided extends Refusal<infer Code, infer Facts> ? HandledRefusal<Code, Facts> : never);
