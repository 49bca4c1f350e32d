/**
 * The contract: what an event store is, whichever adapter holds the events.
 *
 * @module
 */
export { causedBy, causeOf, currentCause, type Cause } from './internal/cause.ts';
export { linkEvent } from './internal/link-event.ts';
export {
  categoryStream,
  correlationStream,
  derivedStream,
  derivedStreamsOf,
  eventTypeStream,
  type DerivedKind,
  type DerivedStream,
} from './store/derived-stream.ts';
export {
  AccessDenied,
  AppendTooLarge,
  DaybookError,
  EventDamaged,
  EventNotJson,
  EventTooLarge,
  InvalidEvent,
  InvalidOption,
  InvalidStreamName,
  NotSupported,
  ReadOnlyStream,
  StoreClosed,
  StoreUnavailable,
  StreamDeleted,
  StreamTombstoned,
  UnknownOutcome,
  WrongExpectedRevision,
} from './store/errors.ts';
export type { EventStore } from './store/event-store.ts';
export type { DecodedEvent, EventSource } from './store/event-source.ts';
export type { ContentType, Link, NewEvent, RecordedEvent } from './store/event.ts';
export type { ActualState, ExpectedRevision, ExpectedState, Violation } from './store/expected-revision.ts';
export { passes, type Filter, type TextMatcher } from './store/filter.ts';
export { jsonData, jsonEvent, jsonMetadata, type JsonEvent } from './store/json-event.ts';
export { defaultLimits, eventTypeBytes, largestEventBytes, streamNameBytes, type Limits } from './store/limits.ts';
export type {
  AppendAllOptions,
  Appended,
  AppendedAll,
  AppendedToStream,
  AppendOptions,
  CategorySummary,
  DeleteOptions,
  Direction,
  EventRead,
  EventTypeSummary,
  ListStreamsOptions,
  LogHead,
  Paged,
  ReadAllOptions,
  ReadStreamOptions,
  StreamAppend,
  StreamCheck,
  StreamState,
  StreamSummary,
  SubscribeToAllOptions,
  SubscribeToStreamOptions,
  Subscription,
  SubscriptionMessage,
} from './store/options.ts';
export type { PackedEvent, PackedPage } from './store/packed-page.ts';
export { position, revision, tombstoneRevision, type Position, type Revision } from './store/position.ts';
export type { ScavengeOptions, ScavengeProgress, ScavengingStore } from './store/scavenge.ts';
export {
  deletedBody,
  formatStreamMetadata,
  isDeleted,
  metadataType,
  parseStreamMetadata,
  setStreamMetadata,
  tombstoneType,
  truncateStream,
  type StreamMetadata,
} from './store/stream-metadata.ts';
export {
  categoryOf,
  describedStreamOf,
  idOf,
  isMetadataStream,
  isSystemStream,
  metadataStreamOf,
  streamName,
  type StreamName,
} from './store/stream-name.ts';
