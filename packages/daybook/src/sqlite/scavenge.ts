import { setImmediate as breathe } from 'node:timers/promises';

import { isOutlived } from '../internal/visible.ts';
import { correlationIdIn } from '../store/derived-stream.ts';
import type { ScavengeOptions, ScavengeProgress } from '../store/scavenge.ts';
import type { Engine } from './engine.ts';
import type { GroupCommit } from './group-commit.ts';
import { decodeHead, freedRecord, isFreed } from './record.ts';
import { positionsIn, segmentEvents, segmentHash, segmentOf, sealOf } from './seal-chain.ts';

/** What one step of a scavenge found to free. */
interface Freed {
  readonly position: number;
  readonly stub: Uint8Array;
  readonly bytes: number;
}

/** What a scavenge would free. */
export async function* planScavenge(
  engine: Engine,
  options: ScavengeOptions & { readonly now: () => number },
): AsyncGenerator<ScavengeProgress, void, undefined> {
  yield* steps(engine, { ...options, free: async (freed) => freed });
}

/** Goes through the log and frees what no read gives any more, a segment in each transaction. */
export async function* scavenge(
  engine: Engine,
  options: ScavengeOptions & { readonly now: () => number; readonly commits: GroupCommit },
): AsyncGenerator<ScavengeProgress, void, undefined> {
  const { now, commits } = options;
  const free = (_: readonly Freed[], first: number, last: number): Promise<readonly Freed[]> =>
    commits.run(() => {
      // Looked for again, inside the transaction: what was appended in between counts.
      const freed = useless(engine, { first, last, nowMs: now() });
      for (const { position, stub } of freed) engine.writer.replaceRecord(position, stub);
      if (freed.length > 0) sealAgain(engine, segmentOf(first));
      return freed;
    });
  yield* steps(engine, { ...options, free });
}

async function* steps(
  engine: Engine,
  options: ScavengeOptions & {
    readonly now: () => number;
    readonly free: (freed: readonly Freed[], first: number, last: number) => Promise<readonly Freed[]>;
  },
): AsyncGenerator<ScavengeProgress, void, undefined> {
  const { signal, now, free } = options;
  engine.refresh();
  const end = engine.durable;
  let eventsFreed = 0n;
  let bytesFreed = 0n;
  for (let segment = 1; (segment - 1) * segmentEvents < end; segment += 1) {
    signal?.throwIfAborted();
    const [first, full] = positionsIn(segment);
    const last = Math.min(full, end);
    const found = useless(engine, { first, last, nowMs: now() });
    const freed = found.length === 0 ? found : await free(found, first, last);
    eventsFreed += BigInt(freed.length);
    bytesFreed += freed.reduce((sum, { bytes }) => sum + BigInt(bytes), 0n);
    if (last < end) yield { eventsSeen: BigInt(last), eventsFreed, bytesFreed };
    await breathe();
  }
  yield { eventsSeen: BigInt(end), eventsFreed, bytesFreed };
}

/** The events in a stretch of the log that no read of their stream gives, but for the last one of each stream. */
function useless(engine: Engine, range: { first: number; last: number; nowMs: number }): readonly Freed[] {
  const { first, last, nowMs } = range;
  const { streams } = engine;
  const freed: Freed[] = [];
  for (const [position, record] of engine.writer.records(first, last, segmentEvents)) {
    if (isFreed(record)) continue;
    const { stream, revision, createdMs, metadata } = decodeHead(record, position);
    if (revision === -1) continue;
    const head = streams.head(stream);
    const isClosed = head.isTombstoned;
    const isHidden =
      isClosed ||
      revision < streams.firstVisible(stream, head.revision) ||
      isOutlived(createdMs, nowMs, streams.metadataOf(stream));
    // In a stream that was closed by its own tombstone, that is the last event.
    const isLast = revision === head.revision && !(isClosed && !stream.startsWith('$$'));
    if (!isHidden || isLast) continue;
    const correlationId = correlationIdIn(metadata);
    const kept = correlationId === undefined ? '' : JSON.stringify({ $correlationId: correlationId });
    const stub = freedRecord(record, Buffer.from(kept));
    freed.push({ position, stub, bytes: record.length - stub.length });
  }
  return freed;
}

/** Seals a segment that has changed, and all after it. */
function sealAgain(engine: Engine, segment: number): void {
  const { writer } = engine;
  let [before] = segment > 1 ? writer.seals(segment - 2, 1) : [];
  for (let after = segment - 1; ;) {
    const rows = writer.seals(after, 1_000);
    for (const row of rows) {
      const hash = row.segment === segment ? hashOf(engine, segment) : row.hash;
      before = { ...row, hash, seal: sealOf(before?.seal, hash) };
      writer.insertSeal(before);
      after = row.segment;
    }
    if (rows.length < 1_000) break;
  }
  engine.resetSeals();
}

function hashOf({ writer }: Engine, segment: number): Uint8Array {
  const [first, last] = positionsIn(segment);
  return segmentHash(writer.records(first, last, segmentEvents).map(([, record]) => record));
}
