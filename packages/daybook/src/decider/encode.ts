import type { NewEvent } from '../store/event.ts';
import { jsonEvent } from '../store/json-event.ts';
import type { StreamName } from '../store/stream-name.ts';
import { InvalidEventData, UndeclaredEvent } from './errors.ts';
import { jsonText, type DomainEvent, type EventsDefinition } from './events.ts';
import { otherCategory } from './sources.ts';
import { validate } from './standard-schema.ts';
import { schemaVersionKey } from './upcast.ts';
import type { View } from './view.ts';
import { warn } from './warnings.ts';

/** An event to append, with its data as they will be read. */
export interface EncodedEvent {
  readonly event: NewEvent;
  readonly data: unknown;
}

/**
 * An event as it is stored: its data have been shown to their schema, and its metadata say which shape they have.
 *
 * @throws UndeclaredEvent when the view's definitions have no such type.
 * @throws InvalidEventData when the data do not fit the schema.
 */
export async function encodeEvent(
  view: View,
  { type, data: given }: DomainEvent,
  options: { readonly id: string; readonly stream: StreamName; readonly metadata: Readonly<Record<string, unknown>> },
): Promise<EncodedEvent> {
  const definition = declaring(view, type);
  if (definition.category !== view.category) warn(() => otherCategory(definition, { stream: options.stream, type }));
  const data: unknown = JSON.parse(jsonText(type, given));
  const { issues } = await validate(definition.schemas[type]!, data); // It is declared there.
  if (issues !== undefined) throw new InvalidEventData(type, issues);
  const { upcast = {} } = definition.options;
  const steps = Object.hasOwn(upcast, type) ? (upcast[type]?.length ?? 0) : 0;
  const metadata = steps === 0 ? options.metadata : { ...options.metadata, [schemaVersionKey]: steps };
  return { event: jsonEvent({ type, data, id: options.id, metadata }), data };
}

function declaring(view: View, type: string): EventsDefinition {
  const declared = view.definitions.filter(({ schemas }) => Object.hasOwn(schemas, type));
  const definition = declared.find(({ category }) => category === view.category) ?? declared[0];
  if (definition !== undefined) return definition;
  const categories = new Set(view.definitions.map(({ category }) => category));
  throw new UndeclaredEvent(type, [...categories]);
}
