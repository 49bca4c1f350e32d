import type { EventStore } from '../store/event-store.ts';
import type { Command, Decision } from './command.ts';
import { InvalidCommandInput } from './errors.ts';
import type { Schemas } from './events.ts';
import { load, type AsOf } from './load.ts';
import { validate, type InputOf, type StandardSchema } from './standard-schema.ts';

export interface RehearseOptions {
  /** Decide on the state as it was. Default: as it is. */
  readonly asOf?: AsOf | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a command would decide, or would have decided then. Nothing is written: for asking beforehand, and for doing a
 * decision of production again, here, on an export of the stream.
 *
 * @throws InvalidCommandInput when the input does not fit the schema.
 * @throws what `load` throws.
 */
export async function rehearse<State, S extends Schemas, Input extends StandardSchema, Decided extends Decision<S>>(
  store: EventStore,
  command: Command<State, S, Input, Decided>,
  id: string,
  input: InputOf<Input>,
  options: RehearseOptions = {},
): Promise<Decided> {
  const parsed = await validate(command.input, input);
  if (parsed.issues !== undefined) throw new InvalidCommandInput(parsed.issues);
  const { state } = await load(store, command.view, id, options);
  return command.decide(parsed.value, state);
}
