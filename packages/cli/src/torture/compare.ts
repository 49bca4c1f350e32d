import { streamName, type EventStore } from 'daybook';
import type { SqliteStore } from 'daybook/sqlite';

import type { Acknowledged } from './killed-writer.ts';
import { isWhole } from './torture-event.ts';

/** What is not as it was acknowledged. */
export interface Difference {
  /** Events that were acknowledged and are not there. */
  readonly lost: number;
  /** Events that are there and are not what was appended, or that a verification finds fault with. */
  readonly damaged: number;
  /** Sentences. */
  readonly problems: readonly string[];
}

/** Holds a store against what was acknowledged. */
export async function compare(store: EventStore, acknowledged: readonly Acknowledged[]): Promise<Difference> {
  const problems: string[] = [];
  let [lost, damaged] = [0, 0];
  for (const [stream, appends] of Map.groupBy(acknowledged, (each) => each.stream)) {
    const there = new Map<bigint, string>();
    let expected = 0n;
    for await (const event of store.readStream(streamName(stream))) {
      there.set(event.revision, event.id);
      if (event.revision !== expected) problems.push(`Stream ${stream} has a gap before ${event.revision}.`);
      expected = event.revision + 1n;
      if (isWhole(event)) continue;
      damaged += 1;
      problems.push(`Event ${event.revision}@${stream} is not what was appended.`);
    }
    for (const { firstRevision, ids } of appends) {
      for (const [index, id] of ids.entries()) {
        if (there.get(firstRevision + BigInt(index)) === id) continue;
        lost += 1;
        problems.push(`Event ${firstRevision + BigInt(index)}@${stream} was acknowledged and is not there.`);
      }
    }
  }
  return { lost, damaged, problems };
}

/** Verifies a store. */
export async function verified(store: SqliteStore): Promise<Difference> {
  const problems: string[] = [];
  for await (const { findings } of store.verify()) problems.push(...findings.map(({ problem }) => problem));
  return { lost: 0, damaged: problems.length, problems };
}
