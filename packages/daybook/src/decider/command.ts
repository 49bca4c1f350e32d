import { InvalidOption } from '../store/errors.ts';
import type { NewDomainEvent, Schemas } from './events.ts';
import type { OutputOf, StandardSchema } from './standard-schema.ts';
import type { View } from './view.ts';

/** A decision that there is nothing to do: what the command wants is so already. */
export interface Nothing {
  readonly kind: 'nothing';
}

/** A decision that the command must not be done. */
export interface Refusal<Code extends string = string, Facts = unknown> {
  readonly kind: 'refusal';
  readonly code: Code;
  readonly facts: Facts;
}

/** What a command can decide. No events are the same as nothing. */
export type Decision<S extends Schemas = Schemas> = readonly NewDomainEvent<S>[] | Nothing | Refusal;

/** A command, as `command` declares it. */
export interface Command<
  State = unknown,
  S extends Schemas = Schemas,
  Input extends StandardSchema = StandardSchema,
  Decided extends Decision = Decision,
> {
  readonly name: string | undefined;
  readonly view: View<State, S>;
  readonly input: Input;
  decide(input: OutputOf<Input>, state: State): Decided;
  businessKey(input: OutputOf<Input>, id: string): string | undefined;
}

export interface CommandOptions<Input extends StandardSchema> {
  /** Needed for business keys, which are the command's own. Never change it then. */
  readonly name?: string | undefined;
  /** What makes two commands on one thing the same one for ever, whatever their ids. */
  readonly businessKey?: ((input: OutputOf<Input>, id: string) => string | undefined) | undefined;
}

/** There is nothing to do: what the command wants is so already. */
export const nothing: Nothing = Object.freeze({ kind: 'nothing' });

/** The command must not be done. `code` says why, in words for programs; `facts` are for whoever gets the answer. */
export function refuse<const Code extends string>(code: Code): Refusal<Code, undefined>;
export function refuse<const Code extends string, Facts>(code: Code, facts: Facts): Refusal<Code, Facts>;
export function refuse(code: string, facts?: unknown): Refusal {
  return { kind: 'refusal', code, facts };
}

/**
 * Something that can be asked for: input and state give events, `nothing`, or a refusal. `decide` is pure and
 * synchronous; it may run more than once for one command. What it needs to know of the world belongs in the input.
 *
 *     const cancel = command(orderStatus, z.object({ reason: z.string() }), (input, order) =>
 *       order.isShipped ? refuse('already-shipped') : [Order.OrderCancelled(input)]);
 *
 * @throws InvalidOption when it has business keys and no name.
 */
export function command<State, S extends Schemas, Input extends StandardSchema, Decided extends Decision<S>>(
  view: View<State, S>,
  input: Input,
  decide: (input: OutputOf<Input>, state: State) => Decided,
  { name, businessKey }: CommandOptions<Input> = {},
): Command<State, S, Input, Decided> {
  if (businessKey !== undefined) checkNamed(name);
  return { name, view, input, decide, businessKey: businessKey ?? (() => undefined) };
}

/** Throws when a command has no name for its business keys. */
export function checkNamed(name: string | undefined): asserts name is string {
  if (name === undefined || name === '') {
    throw new InvalidOption('businessKey', 'the command has no name that the key could belong to');
  }
}
