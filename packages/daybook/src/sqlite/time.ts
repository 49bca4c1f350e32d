import type { Direction } from '../store/options.ts';
import type { Engine } from './engine.ts';
import { createdIn } from './record.ts';
import { positionsIn, segmentEvents } from './seal-chain.ts';

/**
 * The position that a time means: forwards the first event created at or after it, backwards the last one created at or
 * before it. Seals know between which times their events were created, so that few events are looked at.
 */
export function positionAt(engine: Engine, time: Date, direction: Direction): number {
  return direction === 'forwards' ? firstSince(engine, time.getTime()) : lastUntil(engine, time.getTime());
}

function firstSince({ reader, durable }: Engine, ms: number): number {
  const segment = reader.firstSealReaching(ms);
  const from = segment === undefined ? (reader.lastSeal()?.segment ?? 0) * segmentEvents + 1 : positionsIn(segment)[0];
  for (let first = from; first <= durable; first += segmentEvents) {
    const rows = reader.records(first, durable, segmentEvents);
    const found = rows.find(([, record]) => createdIn(record) >= ms);
    if (found !== undefined) return found[0];
  }
  return Infinity;
}

function lastUntil({ reader, durable }: Engine, ms: number): number {
  const sealed = (reader.lastSeal()?.segment ?? 0) * segmentEvents;
  const newest = reader.recordsBackwards(sealed + 1, durable, Math.max(0, durable - sealed));
  const found = newest.find(([, record]) => createdIn(record) <= ms);
  if (found !== undefined) return found[0];
  const segment = reader.lastSealReaching(ms);
  if (segment === undefined) return 0;
  const [first, last] = positionsIn(segment);
  const rows = reader.recordsBackwards(first, Math.min(last, durable), segmentEvents);
  return rows.find(([, record]) => createdIn(record) <= ms)?.[0] ?? 0;
}
