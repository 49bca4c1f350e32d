export type { KurrentClient, KurrentEvent, KurrentOptions } from './client.ts';
export { kurrentStore, type KurrentStoreOptions } from './kurrent-store.ts';
