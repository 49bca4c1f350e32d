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
  NeedsRebuild,
  NotLocated,
  NotReached,
  NothingToSwitchBack,
  ProjectingFailed,
  ReadModelInUse,
  ReadModelLocked,
  ReadModelMissing,
  ReadModelSuperseded,
  ReadModelStopped,
  NotPutRight,
  RebuildNotProven,
  RebuildUnderWay,
  UnsupportedStatement,
  VerifyInterrupted,
  type FailedEvent,
  type GhostEvent,
} from './errors.ts';
export { nodeSqliteDialect } from './node-sqlite-dialect.ts';
export { pgDialect } from './pg-dialect.ts';
export {
  readModel,
  type EventOf,
  type Handler,
  type Handlers,
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
export type { ColumnDrift, Drift, DriftClass } from './drift.ts';
export type { Job, Progress } from './job.ts';
export type { EventPlace } from './trace.ts';
export { verifyReadModel, type VerifyOptions, type VerifyReport } from './verify.ts';
export type { HarmonyRound } from './harmony-round.ts';
export { verifyContinuously, type ContinuousOptions } from './verify-continuously.ts';
export {
  repairReadModel,
  type RepairOptions,
  type RepairProof,
  type RepairReport,
  type RepairWay,
  type StandingPause,
} from './repair.ts';
export { planRepair, type RepairPlan } from './plan-repair.ts';
export type { TableDiff } from './diff-tables.ts';
export { rebuildReadModel, type RebuildOptions, type RebuildReport } from './rebuild.ts';
export { findPrevious, switchBack, type PreviousTables, type SwitchBackOptions } from './switch-back.ts';
export { adoptReadModel, type AdoptOptions, type AdoptReport } from './adopt.ts';
export { blame, type BlameOptions, type BlameReport } from './blame.ts';
export { locateReadModel, type Hole, type LocateOptions, type LocateReport } from './locate.ts';
export { expectReadModel, type ExpectOptions } from './expect-read-model.ts';
export { lookAtReadModel, type ReadModelLook } from './look-at-read-model.ts';
export { opsStream } from './record.ts';
export { memoryDatabase, sqliteDatabase } from './memory-database.ts';
