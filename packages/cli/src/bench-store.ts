import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import type { EventStore } from 'daybook';

import { openStore, storeKind } from './open-store.ts';

/** A store to measure or to maltreat: new, beside the one that was named, on the same disk. */
export interface ScratchStore extends AsyncDisposable {
  readonly location: string;
  readonly store: EventStore;
}

/** Makes a scratch store. One in memory, or on a server, is the one that was named. */
export async function openScratchStore(location: string, purpose: string): Promise<ScratchStore> {
  if (storeKind(location) !== 'file') {
    const store = await openStore(location, 'create');
    return { location, store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
  }
  const path = scratchPath(location, purpose);
  const store = await openStore(path, 'create');
  return {
    location: path,
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await removeStore(path);
    },
  };
}

/** A path for a scratch store on the disk of `location`. */
export function scratchPath(location: string, purpose: string): string {
  return join(dirname(location), `daybook-${purpose}-${randomUUID().slice(0, 8)}.db`);
}

/** Deletes the files of a scratch store: the log, and what lies beside it under a longer name. */
export async function removeStore(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(basename(path))) await rm(join(dirname(path), name), { force: true });
  }
}
