/**
 * Consumers: services that follow streams, keep their place in the log, and never stop silently.
 *
 * @module
 */
export { backOffMs, type BackOff } from './back-off.ts';
export { checkCheckpoint } from './check-checkpoint.ts';
export {
  appendCheckpoint,
  checkpointHistory,
  checkpointType,
  readCheckpoint,
  type Checkpoint,
  type Place,
  type Range,
  type StoredCheckpoint,
} from './checkpoint.ts';
export { systemClock, type Clock } from './clock.ts';
export {
  consumer,
  type BatchConsumerOptions,
  type BatchContext,
  type Consumer,
  type ConsumerOptions,
  type EffectOf,
  type EventFrom,
  type HandlerContext,
  type Interpret,
  type RetryPolicy,
  type Source,
  type Sources,
  type StartAt,
} from './consumer.ts';
export {
  followControls,
  longestPauseMs,
  pauseIn,
  readControls,
  requestControl,
  type Control,
  type Reason,
  type RecordedControl,
} from './control.ts';
export {
  AlertNotDelivered,
  CheckpointAheadOfLog,
  CheckpointCollision,
  CheckpointMismatch,
  CheckpointOfOtherLog,
  CheckpointUnreadable,
  ConsumerFailed,
  ConsumerIsNew,
  ConsumerNotThere,
  ConsumerTakenOver,
  HandlerTimedOut,
  NoCheckpoint,
  NoSuchConsumer,
  NothingParked,
} from './errors.ts';
export { failureKind, type FailureKind } from './failures.ts';
export {
  followSources,
  type NumberIn,
  type SourcedEvent,
  type SourceMessage,
  type SourcePlace,
} from './follow-sources.ts';
export { harmonyStreamOf, readHarmony, type Harmony, type KeptDrift } from './harmony.ts';
export { thisHost, type Host } from './host.ts';
export {
  alertsStream,
  checkpointStreamOf,
  controlStreamOf,
  leaseStreamOf,
  parkedStreamOf,
  statusStreamOf,
} from './names.ts';
export { effectStreamOf, type EffectDelivery, type OnceOptions, type OnceResult } from './once.ts';
export { readParked, type ParkedEvent, type ParkedStreams } from './parked.ts';
export type { RunConsumerOptions } from './run-options.ts';
export { runConsumer, type ConsumerRun, type ReachedOptions } from './run-consumer.ts';
export { planCheckpoint, setCheckpoint, undoCheckpoint, type CheckpointChange, type SetTo } from './set-checkpoint.ts';
export {
  publishStatus,
  readStatus,
  statusHistory,
  type ConsumerState,
  type ConsumerStatus,
  type RecordedStatus,
  type SourceStatus,
  type StatusType,
} from './status.ts';
export type { Alert, Notice } from './watch/alert-book.ts';
export type { DatabaseAnswer, DatabaseAway, DatabasePlaces } from './watch/database-answer.ts';
export {
  lookAtConsumer,
  lookAtConsumers,
  type ConsumerHealth,
  type ConsumerLook,
  type ExpectedConsumer,
  type LookOptions,
  type SourceLook,
} from './watch/look-at-consumers.ts';
export { conditionsOf, type AlertRule, type Condition, type RuleOptions } from './watch/rules.ts';
export { spoken } from './watch/spoken.ts';
export { alertmanagerTarget, logTarget, slackTarget, type AlertTarget, type WebhookOptions } from './watch/targets.ts';
export { watchConsumers, type ConsumerWatch, type WatchOptions, type WatchReport } from './watch/watch-consumers.ts';
