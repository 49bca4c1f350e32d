import { setImmediate as breathe } from 'node:timers/promises';

import { isOutlived } from '../internal/visible.ts';
import { correlationIdIn } from '../store/derived-stream.ts';
import type { ScavengeOptions, ScavengeProgress } from '../store/scavenge.ts';
import type { Engine } from './engine.ts';
import type { GroupCommit } from './group-commit.ts';
import { decodeHead, freedRecord, isFreed } from './record.ts';
import { joinSeals, sealAgain } from './seal-again.ts';
import { positionsIn, segmentEvents, segmentOf } from './seal-chain.ts';

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
      if (freed.length === 0) return freed;
      engine.writer.scavenging(() => {
        for (const { position, stub } of freed) engine.writer.replaceRecord(position, stub);
        sealAgain(engine, segmentOf(first));
      });
      return freed;
    });
  await joinSeals(engine, commits); // One before this may have been killed.
  yield* steps(engine, { ...options, free });
  await joinSeals(engine, commits);
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
