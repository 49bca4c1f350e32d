/**
 * For tests: of commands without a store, and of adapters by the contract of an event store.
 *
 * @module
 */
export type { ContractCase, ContractContext, ContractSuite, Feature } from './contract-case.ts';
export { contractRun, type ContractRun, type ContractRunOptions, type RunnableCase } from './contract-run.ts';
export { contractSuites } from './contract-suites.ts';
export { exported, type ExportedEvent, type ExportedEvents, type ExportedOptions } from './exported.ts';
export { given, type Given, type Then, type When } from './given.ts';
export { goldenEvents, goldenSample, goldenStream, type SampleEvent } from './golden-sample.ts';
export { SimulatedClock, type SimulatedClockOptions } from './simulated-clock.ts';
