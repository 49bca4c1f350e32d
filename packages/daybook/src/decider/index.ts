/**
 * Events with schemas, views over them, and commands that decide.
 *
 * @module
 */
export { InvalidCategory, InvalidEventData, StoredEventNotValid, UndeclaredEvent, UpcastFailed } from './errors.ts';
export {
  events,
  streamOf,
  type DomainEvent,
  type Events,
  type EventsDefinition,
  type EventsOptions,
  type NewDomainEvent,
  type Schemas,
  type StoredDomainEvent,
} from './events.ts';
export { category, eventType, type DecodedEventOf } from './sources.ts';
export { trusted, type InputOf, type OutputOf, type SchemaIssue, type StandardSchema } from './standard-schema.ts';
export type { Upcast } from './upcast.ts';
export { warningChannel, type Warning } from './warnings.ts';
