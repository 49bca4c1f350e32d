import type { RecordedEvent } from '../store/event.ts';
import { jsonData } from '../store/json-event.ts';
import { StoredEventNotValid } from './errors.ts';
import type { DomainEvent, EventsDefinition } from './events.ts';
import { isPromise, issuesText, validate, type SchemaResult } from './standard-schema.ts';
import { upcast } from './upcast.ts';
import { warn } from './warnings.ts';

/** The name that an event's type has today, or `undefined` when it is not declared. */
export function typeToday({ schemas, options }: EventsDefinition, type: string): string | undefined {
  if (Object.hasOwn(schemas, type)) return type;
  const { renamed } = options;
  return renamed !== undefined && Object.hasOwn(renamed, type) ? renamed[type] : undefined;
}

/**
 * An event as the domain knows it: parsed, in today's shape, and as its schema makes it. `undefined` when its type is
 * not declared.
 *
 * @throws EventNotJson when the bytes are not JSON.
 * @throws UpcastFailed when a step from an old shape threw.
 * @throws StoredEventNotValid when it does not fit the schema, and the definition is `strict`.
 */
export function decodeEvent(
  definition: EventsDefinition,
  event: RecordedEvent,
): DomainEvent | undefined | Promise<DomainEvent> {
  const type = typeToday(definition, event.type);
  if (type === undefined) return undefined;
  const { onRead = 'warn', upcast: steps = {} } = definition.options;
  const stepsOfType = (Object.hasOwn(steps, type) ? steps[type] : undefined) ?? [];
  const parsed = jsonData(event);
  const data = stepsOfType.length === 0 ? parsed : upcast(event, parsed, stepsOfType);
  if (onRead === 'off') return { type, data };
  const judge = (result: SchemaResult<unknown>): DomainEvent => {
    if (result.issues === undefined) return { type, data: result.value };
    const { issues } = result;
    if (onRead === 'strict') throw new StoredEventNotValid({ ...event, type }, issues);
    warn(() => ({
      code: 'event-not-valid',
      message: `Event ${event.revision}@${event.stream} (${type}) is not what its schema asks for: ${issuesText(issues)}.`,
      facts: { stream: event.stream, revision: event.revision, id: event.id, type, issues },
    }));
    return { type, data };
  };
  const result = validate(definition.schemas[type]!, data); // The type is declared.
  return isPromise(result) ? result.then(judge) : judge(result);
}
