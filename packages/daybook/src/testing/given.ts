import { AssertionError } from 'node:assert';
import { inspect, isDeepStrictEqual } from 'node:util';

import type { Command, Decision } from '../decider/command.ts';
import { decodeEvent } from '../decider/decode.ts';
import { InvalidCommandInput, InvalidEventData } from '../decider/errors.ts';
import { jsonText, streamOf, type DomainEvent, type NewDomainEvent, type Schemas } from '../decider/events.ts';
import { freezeDeep } from '../decider/freeze-deep.ts';
import { isPromise, validate, type InputOf, type StandardSchema } from '../decider/standard-schema.ts';
import { schemaVersionKey } from '../decider/upcast.ts';
import type { View } from '../decider/view.ts';
import { jsonEvent } from '../store/json-event.ts';
import { position, revision } from '../store/position.ts';
import { idOf } from '../store/stream-name.ts';
import type { ExportedEvent, ExportedEvents } from './exported.ts';

/** What happened before. */
export interface Given<S extends Schemas, Input extends StandardSchema, Decided extends Decision> {
  /**
   * Decides, twice, to see that it is the same both times. States are frozen: a function that changes one fails.
   *
   * @throws InvalidCommandInput when the input does not fit the schema.
   */
  when(input: InputOf<Input>): When<S, Decided>;
}

/** What was decided. Each question throws an `AssertionError` that tells the whole story when it was something else. */
export interface When<S extends Schemas, Decided extends Decision> {
  /** It gave these events. (This is no promise: do not await it.) */
  then(events: readonly NewDomainEvent<S>[]): Then;
  /** It found nothing to do. */
  thenNothing(): void;
  /** It was refused, for this reason, and with these facts if they are given. */
  thenRefused(code: CodeOf<Decided>, facts?: unknown): void;
}

/** What follows from events that were given as expected. */
export interface Then {
  /** Decided again, with those events in the stream, there is nothing left to do. */
  again(): void;
}

type CodeOf<Decided extends Decision> = Decided extends { readonly kind: 'refusal'; readonly code: infer Code }
  ? Code
  : never;

/** What a test begins with: events as they are made today, or as they were stored. */
type History<S extends Schemas> = readonly NewDomainEvent<S>[] | ExportedEvents;

/**
 * A test of a command without a store: given these events, when it is done with this input, then.
 *
 *     given(recordEmail, [shipped]).when({ to: 'a@b.c' }).then([mailed]).again();
 *     given(recordEmail).when({ to: 'a@b.c' }).thenRefused('not-shipped');
 *
 * Events go through JSON and their schemas, as they would through a store; what `exported` gives is in the shapes that it
 * was stored in, and is brought to today's. Schemas that take their time cannot be asked
 * here: test such a command with `handle` and a memory store.
 */
export function given<State, S extends Schemas, Input extends StandardSchema, Decided extends Decision<S>>(
  command: Command<State, S, Input, Decided>,
  events: History<S> = [],
  options: { readonly id?: string } = {},
): Given<S, Input, Decided> {
  const isExported = 'stream' in events;
  const history = isExported ? events.events : events.map((event) => asWritten(command.view, event));
  const { id = (isExported ? idOf(events.stream) : undefined) ?? '1' } = options;
  return {
    when: (input) => {
      const result = atOnce(validate(command.input, input), 'The schema of the input');
      if (result.issues !== undefined) throw new InvalidCommandInput(result.issues);
      return questions({ command, id, history, given: input, input: result.value });
    },
  };
}

/** A test as far as it is known. */
interface Story {
  readonly command: Command;
  readonly id: string;
  readonly history: readonly (DomainEvent | ExportedEvent)[];
  /** As the test gave it, and as its schema made it. */
  readonly given: unknown;
  readonly input: unknown;
}

/** A decision, comparable and readable. */
type Told =
  | { readonly events: readonly DomainEvent[] }
  | { readonly refused: string; readonly facts?: unknown }
  | 'nothing';

function questions<S extends Schemas, Decided extends Decision>(story: Story): When<S, Decided> {
  const told = decided(story);
  const then = (expected: readonly DomainEvent[]): Then => {
    if (typeof expected === 'function') throw new TypeError('given … when … then is no promise: do not await it.');
    const events = expected.map((event) => asWritten(story.command.view, event));
    compare(story, { actual: told, expected: events.length === 0 ? 'nothing' : { events }, from: then });
    const again = (): void => {
      const later = { ...story, history: [...story.history, ...events] };
      compare(later, { actual: decided(later), expected: 'nothing', from: again });
    };
    return { again };
  };
  const thenNothing = (): void => compare(story, { actual: told, expected: 'nothing', from: thenNothing });
  const thenRefused = (code: string, ...facts: readonly unknown[]): void => {
    const actual =
      facts.length === 0 && typeof told === 'object' && 'refused' in told ? { refused: told.refused } : told;
    const expected = facts.length === 0 ? { refused: code } : { refused: code, facts: facts[0] };
    compare(story, { actual, expected, from: thenRefused });
  };
  // oxlint-disable-next-line unicorn/no-thenable -- It reads as a sentence; a promise's callback is refused.
  return { then, thenNothing, thenRefused };
}

/** What the command decides on the events so far. */
function decided({ command, id, history, input }: Story): Told {
  let state = command.view.initial(id);
  freezeDeep(state);
  for (const [index, event] of history.entries()) {
    state = command.view.evolve(state, asRead(command.view, { event, id, index }));
    freezeDeep(state);
  }
  const [first, second] = [0, 1].map(() => toldOf(command.view, command.decide(input, state)));
  if (!isDeepStrictEqual(first, second)) {
    const message =
      'The command decided twice on one state, and not the same: what it needs to know belongs in its input.';
    throw new AssertionError({ message, actual: second, expected: first, operator: 'deepStrictEqual' });
  }
  return first!; // There are two.
}

function toldOf(view: View, decision: Decision): Told {
  if ('kind' in decision) {
    return decision.kind === 'nothing' ? 'nothing' : { refused: decision.code, facts: decision.facts };
  }
  return decision.length === 0 ? 'nothing' : { events: decision.map((event) => asWritten(view, event)) };
}

/** An event as a store would take it: through JSON, and shown to its schema. */
function asWritten({ schemas }: View, { type, data }: DomainEvent): DomainEvent {
  const written: unknown = JSON.parse(jsonText(type, data));
  const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined;
  if (schema !== undefined) {
    const { issues } = atOnce(validate(schema, written), `The schema of ${type}`);
    if (issues !== undefined) throw new InvalidEventData(type, issues);
  }
  return { type, data: written };
}

/** An event as a store would give it. One that nobody decodes changes nothing, whatever it is. */
function asRead(
  view: View,
  { event, id, index }: { event: DomainEvent | ExportedEvent; id: string; index: number },
): DomainEvent {
  const decoder = view.decoders.get(event.type);
  if (decoder === undefined) return event;
  const { type, data } = event;
  const steps = decoder.options.upcast?.[type]?.length ?? 0;
  const { metadata = new Uint8Array(), ...encoded } = jsonEvent({
    type,
    data,
    metadata: { [schemaVersionKey]: steps },
  });
  const decoded = decodeEvent(decoder, {
    ...encoded,
    metadata: 'metadata' in event ? event.metadata : metadata,
    contentType: 'application/json',
    stream: streamOf(view, id),
    revision: revision(index),
    position: position(index + 1),
    created: new Date(index),
  });
  return atOnce(decoded, `The schema of ${event.type}`) ?? event;
}

function atOnce<Value>(value: Value | Promise<Value>, what: string): Value {
  if (!isPromise(value)) return value;
  value.catch(() => {}); // Nobody will wait for it.
  throw new TypeError(`${what} takes its time. Test this command with handle() and a memory store.`);
}

function compare(
  story: Story,
  { actual, expected, from }: { actual: Told; expected: Told; from: (...given: never[]) => unknown },
): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const difference = new AssertionError({ actual, expected, operator: 'deepStrictEqual' }).message;
  const message = `${telling(story)}\nThen   it decided ${words(actual)}\n  not  ${words(expected)}\n\n${difference}`;
  throw new AssertionError({ message, actual, expected, operator: 'deepStrictEqual', stackStartFn: from });
}

/** What was given, in words. */
function telling({ command, id, history, given: input }: Story): string {
  const events = history.length === 0 ? 'nothing' : history.map(eventWords).join('\n       ');
  return `Given  ${events} in ${streamOf(command.view, id)}\nWhen   ${command.name ?? 'the command'} ${shown(input)}`;
}

function words(told: Told): string {
  if (told === 'nothing') return 'nothing';
  if ('refused' in told) return `a refusal: ${told.refused}${told.facts === undefined ? '' : ` ${shown(told.facts)}`}`;
  return told.events.map(eventWords).join('\n       ');
}

function eventWords({ type, data }: DomainEvent): string {
  return `${type} ${JSON.stringify(data)}`;
}

function shown(value: unknown): string {
  return inspect(value, { breakLength: Infinity, depth: 8 });
}
