import { allContract } from './all-contract.ts';
import { appendAllContract } from './append-all-contract.ts';
import { appendContract } from './append-contract.ts';
import { cancellationContract } from './cancellation-contract.ts';
import { concurrencyContract } from './concurrency-contract.ts';
import type { ContractSuite } from './contract-case.ts';
import { deleteContract } from './delete-contract.ts';
import { derivedContract } from './derived-contract.ts';
import { eventContract } from './event-contract.ts';
import { filterContract } from './filter-contract.ts';
import { identityContract } from './identity-contract.ts';
import { limitContract } from './limit-contract.ts';
import { listingContract } from './listing-contract.ts';
import { metadataContract } from './metadata-contract.ts';
import { packedContract } from './packed-contract.ts';
import { readContract } from './read-contract.ts';
import { repeatsContract } from './repeats-contract.ts';
import { scavengeContract } from './scavenge-contract.ts';
import { subscribeToAllContract } from './subscribe-to-all-contract.ts';
import { subscriptionContract } from './subscription-contract.ts';

/** All promises of the contract of an event store. */
export const contractSuites: readonly ContractSuite[] = [
  eventContract,
  appendContract,
  repeatsContract,
  appendAllContract,
  readContract,
  allContract,
  packedContract,
  filterContract,
  derivedContract,
  subscriptionContract,
  subscribeToAllContract,
  metadataContract,
  deleteContract,
  listingContract,
  limitContract,
  concurrencyContract,
  cancellationContract,
  identityContract,
  scavengeContract,
];
