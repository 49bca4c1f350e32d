import { setImmediate } from 'node:timers/promises';

import type { ScavengingStore } from 'daybook';

import type { Random } from '../linearizability/random.ts';
import { alteredStore, readChanged } from '../model/mutants/altered-store.ts';

/**
 * A store that gives out positions when an append begins and shows its events when it ends, as a database table with a
 * sequence does: what comes later may be seen first. Who reads after the last position it has seen misses events here.
 */
export function lateVisibility(store: ScavengingStore, random: Random): ScavengingStore {
  const hidden = new Set<bigint>();
  return alteredStore(store, {
    append: async (stream, events, options) => {
      const appended = await store.append(stream, events, options);
      const positions = events.map((_, index) => appended.position - BigInt(index));
      for (const position of positions) hidden.add(position);
      for (let turns = random.below(6); turns > 0; turns -= 1) await setImmediate();
      for (const position of positions) hidden.delete(position);
      return appended;
    },
    readAll: (options) =>
      readChanged(store.readAll(options), (page) => page.filter(({ position }) => !hidden.has(position))),
  });
}
