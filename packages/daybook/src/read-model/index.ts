/**
 * Read models: SQL tables built from events, on a Kysely that the caller hands in.
 *
 * @module
 */
export {
  CheckpointMissing,
  InvalidReadModel,
  LeaseLost,
  LogRestored,
  NotReached,
  ProjectingFailed,
  ReadModelInUse,
  ReadModelMissing,
  ReadModelStopped,
  UnsupportedStatement,
  type FailedEvent,
  type GhostEvent,
} from './errors.ts';
export { nodeSqliteDialect } from './node-sqlite-dialect.ts';
export {
  readModel,
  type EventOf,
  type Handler,
  type ModelSource,
  type NamedSource,
  type ReadModel,
  type ReadModelOptions,
  type TableShape,
  type UntypedTables,
} from './read-model.ts';
export type { RetryOptions, RunOptions } from './run-options.ts';
export { runReadModel, type ReachedOptions, type ReadModelRun } from './run-read-model.ts';
export type { RunStateName, RunStatus } from './run-state.ts';
