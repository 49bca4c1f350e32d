/**
 * Events with schemas, views over them, and commands that decide.
 *
 * @module
 */
export {
  CommandIdReused,
  InvalidCategory,
  InvalidCommandInput,
  InvalidEventData,
  StateNotJson,
  StoredEventNotValid,
  TooManyConflicts,
  UndeclaredEvent,
  UpcastFailed,
} from './errors.ts';
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
export { cachedStateOf, cachedStateText } from './cached-state-json.ts';
export { combineViews, type CombinedState } from './combine-views.ts';
export {
  command,
  nothing,
  refuse,
  type Command,
  type CommandOptions,
  type Decision,
  type Nothing,
  type Refusal,
} from './command.ts';
export { commandIdFrom, eventIdOf } from './command-id.ts';
export { fold } from './fold.ts';
export { conflictAttempts, handle, type HandleOptions } from './handle.ts';
export type { Handled, HandledEvent, HandledEvents, HandledNothing, HandledRefusal } from './handled.ts';
export { load, type AsOf, type Loaded, type LoadOptions } from './load.ts';
export { memoryStateCache, type MemoryStateCache, type MemoryStateCacheOptions } from './memory-state-cache.ts';
export { rehearse, type RehearseOptions } from './rehearse.ts';
export { snapshots, type SnapshotsOptions } from './snapshots.ts';
export { category, eventType, type DecodedEventOf } from './sources.ts';
export { trusted, type InputOf, type OutputOf, type SchemaIssue, type StandardSchema } from './standard-schema.ts';
export type { CachedState, StateCache, StateKey } from './state-cache.ts';
export type { Upcast } from './upcast.ts';
export { view, type SchemasOf, type StateOf, type View, type ViewName, type ViewOptions } from './view.ts';
export { warningChannel, type Warning } from './warnings.ts';
