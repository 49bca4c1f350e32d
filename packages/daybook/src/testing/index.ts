/**
 * The contract of an event store as plain values, for the tests of adapters.
 *
 * @module
 */
export type { ContractCase, ContractContext, ContractSuite, Feature } from './contract-case.ts';
export { contractRun, type ContractRun, type ContractRunOptions, type RunnableCase } from './contract-run.ts';
export { contractSuites } from './contract-suites.ts';
export { goldenEvents, goldenSample, goldenStream, type SampleEvent } from './golden-sample.ts';
