import { randomUUID } from 'node:crypto';

import { decideAppendAll, refusal, repeatedWrite, writesOf } from '../internal/decide-append-all.ts';
import { decideAppend, violation } from '../internal/decide-append.ts';
import { WrongExpectedRevision } from '../store/errors.ts';
import type { NewEvent } from '../store/event.ts';
import type { ExpectedRevision } from '../store/expected-revision.ts';
import type { Appended, AppendedAll, AppendedToStream, StreamAppend, StreamCheck } from '../store/options.ts';
import { position, revision, type Position } from '../store/position.ts';
import { deletedBody, metadataEvent, metadataType, tombstoneType } from '../store/stream-metadata.ts';
import { metadataStreamOf, type StreamName } from '../store/stream-name.ts';
import type { Engine } from './engine.ts';

/*
 * What one change does inside the transaction of its group. Each refuses before it writes anything: a group needs no
 * savepoints.
 */

/** Appends to one stream, or finds the events there already. */
export function append(engine: Engine, { stream, events, expected }: StreamAppend, nowMs: number): Appended {
  const ids = events.map(({ id }) => id.toLowerCase());
  const facts = engine.streams.factsOf(stream);
  const verdict = decideAppend(facts, expected, ids);
  switch (verdict.kind) {
    case 'refused':
      throw refusal({ stream, expected }, { facts, why: verdict.why });
    case 'repeated': {
      const { firstRevision, lastRevision } = repeatedWrite({ stream, expected, ids }, verdict.firstRevision);
      return { outcome: 'repeated', ...placed(engine, { stream, firstRevision, lastRevision }) };
    }
    case 'append': {
      undelete(engine, stream, nowMs);
      const firstRevision = facts.revision + 1;
      let last = 0;
      for (let index = 0; index < events.length; index += 1) {
        last = engine.write(stream, events[index]!, { at: firstRevision + index, nowMs });
      }
      return {
        outcome: 'appended',
        firstRevision: revision(firstRevision),
        revision: revision(firstRevision + events.length - 1),
        position: position(last),
      };
    }
    default:
      return verdict satisfies never;
  }
}

/** Appends to several streams, or to none of them. */
export function appendAll(
  engine: Engine,
  options: {
    readonly appends: readonly StreamAppend[];
    readonly checks: readonly StreamCheck[];
    readonly nowMs: number;
  },
): AppendedAll {
  const { appends, checks, nowMs } = options;
  const writes = writesOf(appends);
  const verdict = decideAppendAll(writes, { checks, factsOf: (stream) => engine.streams.factsOf(stream) });
  if (verdict.kind === 'repeated') return answerToAll(engine, 'repeated', verdict.writes);
  for (const { stream } of writes) undelete(engine, stream, nowMs);
  for (const { stream, events } of appends) {
    for (const event of events) engine.write(stream, event, { at: engine.streams.head(stream).revision + 1, nowMs });
  }
  const places = writes.map(({ stream, ids }) => {
    const lastRevision = engine.streams.head(stream).revision;
    return { stream, firstRevision: lastRevision - ids.length + 1, lastRevision };
  });
  return answerToAll(engine, 'appended', places);
}

/** Deletes a stream: as in KurrentDB, by metadata that truncate it before the largest revision there is. */
export function deleteStream(engine: Engine, write: { stream: StreamName } & Ending): { position: Position } {
  const { stream, expected, nowMs } = write;
  const facts = engine.streams.factsOf(stream);
  const isNothing = facts.revision < 0 && !facts.hasMetadata && !facts.isTombstoned;
  if (expected === 'no-stream' && isNothing) throw new WrongExpectedRevision(violation(stream, facts, expected));
  checkEnd(engine, write);
  const event: NewEvent = {
    id: randomUUID(),
    type: metadataType,
    data: Buffer.from(deletedBody),
    contentType: 'application/json',
  };
  return { position: position(setMetadata(engine, stream, { event, nowMs })) };
}

/** Closes a stream for good, whether it was ever there or not. */
export function tombstoneStream(engine: Engine, write: { stream: StreamName } & Ending): { position: Position } {
  checkEnd(engine, write);
  const event: NewEvent = { id: randomUUID(), type: tombstoneType, data: new Uint8Array(0) };
  // Loaded before the tombstone, so that what is known of the stream learns of it.
  engine.streams.head(write.stream);
  return { position: position(engine.write(write.stream, event, { at: -1, nowMs: write.nowMs })) };
}

interface Ending {
  readonly expected: ExpectedRevision;
  readonly nowMs: number;
}

/** Throws unless one more event, which cannot be a repeat, could be appended. */
function checkEnd(engine: Engine, { stream, expected }: { stream: StreamName } & Ending): void {
  const facts = engine.streams.factsOf(stream);
  const verdict = decideAppend(facts, expected, [randomUUID()]);
  if (verdict.kind === 'refused') throw refusal({ stream, expected }, { facts, why: verdict.why });
}

/** Brings a deleted stream back, empty: what it had stays hidden, and other metadata stay as they are. */
function undelete(engine: Engine, stream: StreamName, nowMs: number): void {
  const facts = engine.streams.factsOf(stream);
  if (!facts.isDeleted) return;
  const metadata = {
    custom: {},
    ...engine.streams.metadataOf(stream),
    truncateBefore: revision(facts.revision + 1),
  };
  setMetadata(engine, stream, { event: metadataEvent(metadata), nowMs });
}

function setMetadata(engine: Engine, stream: StreamName, { event, nowMs }: { event: NewEvent; nowMs: number }): number {
  const metadataStream = metadataStreamOf(stream);
  engine.streams.checkEnd(metadataStream);
  engine.streams.head(stream);
  const at = engine.streams.head(metadataStream).revision + 1;
  return engine.write(metadataStream, event, { at, nowMs });
}

interface Written {
  readonly stream: StreamName;
  readonly firstRevision: number;
  readonly lastRevision: number;
}

function placed(engine: Engine, { stream, firstRevision, lastRevision }: Written): Omit<AppendedToStream, 'stream'> {
  const { streams } = engine;
  const head = streams.head(stream);
  const last =
    head.revision === lastRevision ? head.lastPosition : streams.positionOf(streams.places(stream), lastRevision);
  return { firstRevision: revision(firstRevision), revision: revision(lastRevision), position: position(last) };
}

function answerToAll(engine: Engine, outcome: 'appended' | 'repeated', writes: readonly Written[]): AppendedAll {
  const streams = writes.map((write) => ({ stream: write.stream, ...placed(engine, write) }));
  const [first, ...others] = streams.map((written) => written.position);
  if (first === undefined) return { outcome, streams };
  return { outcome, streams, position: others.reduce((last, place) => (place > last ? place : last), first) };
}
