/**
 * The smallest complete event store: in memory.
 *
 * @module
 */
export { openMemoryStore, type MemoryStore, type MemoryStoreOptions } from './memory-store.ts';
