import { categoryStream, eventTypeStream } from '../store/derived-stream.ts';
import type { DecodedEvent, EventSource } from '../store/event-source.ts';
import type { RecordedEvent } from '../store/event.ts';
import { categoryOf } from '../store/stream-name.ts';
import { decodeEvent, typeToday } from './decode.ts';
import type { EventsDefinition, Schemas } from './events.ts';
import { isPromise, type OutputOf } from './standard-schema.ts';
import { warn } from './warnings.ts';

/** An event of a definition, decoded, with all that the store says about it. */
export type DecodedEventOf<S extends Schemas, Type extends keyof S = keyof S> = {
  [T in Type & string]: DecodedEvent<T, OutputOf<S[T]>>;
}[Type & string];

/** How many strange categories a source remembers, so that each is warned of once. */
const rememberedCategories = 100;

/**
 * All events of a category, in the order of the log: `$ce-CustomerOrder`. Events of types that are not declared are none
 * of its reader's business.
 */
export function category<S extends Schemas>(definition: EventsDefinition<S>): EventSource<DecodedEventOf<S>> {
  return {
    stream: categoryStream(definition.category),
    decode: (event) => decoded(definition, event),
  };
}

/**
 * All events of a type, of whatever category, in the order of the log: `$et-OrderShipped`. One that stands in another
 * category is given too, with a warning. Events that had another name when they were written are in `category` only.
 */
export function eventType<S extends Schemas, Type extends keyof S & string>(
  definition: EventsDefinition<S>,
  type: Type,
): EventSource<DecodedEventOf<S, Type>> {
  const warned = new Set<string>();
  return {
    stream: eventTypeStream(type),
    decode: (event) => {
      if (typeToday(definition, event.type) !== type) return undefined;
      warnOfCategory(definition, event, warned);
      return decoded<S, Type>(definition, event);
    },
  };
}

function decoded<S extends Schemas, Type extends keyof S>(
  definition: EventsDefinition<S>,
  event: RecordedEvent,
): DecodedEventOf<S, Type> | undefined | Promise<DecodedEventOf<S, Type> | undefined> {
  const domainEvent = decodeEvent(definition, event);
  if (domainEvent === undefined) return undefined;
  const placed = (found: { readonly type: string; readonly data: unknown }): DecodedEventOf<S, Type> =>
    ({ ...event, ...found }) as DecodedEventOf<S, Type>; // The schema of its type made the data.
  return isPromise(domainEvent) ? domainEvent.then(placed) : placed(domainEvent);
}

function warnOfCategory(definition: EventsDefinition, event: RecordedEvent, warned: Set<string>): void {
  const found = categoryOf(event.stream);
  if (found === definition.category || warned.has(found ?? '') || warned.size >= rememberedCategories) return;
  warned.add(found ?? '');
  warn(() => otherCategory(definition, event));
}

/** The warning that an event stands in a category which is not that of its declaration. */
export function otherCategory(
  { category: declared }: EventsDefinition,
  { stream, type }: { readonly stream: string; readonly type: string },
): { readonly code: 'other-category'; readonly message: string; readonly facts: Readonly<Record<string, unknown>> } {
  return {
    code: 'other-category',
    message: `${type} is declared in ${declared} and stands in ${stream}: two names for one thing?`,
    facts: { stream, type, declared, found: categoryOf(stream) },
  };
}
