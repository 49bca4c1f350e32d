import { randomUUID } from 'node:crypto';

import { decideAppendAll, refusal, repeatedWrite, writesOf } from '../internal/decide-append-all.ts';
import { decideAppend, violation } from '../internal/decide-append.ts';
import { WrongExpectedRevision } from '../store/errors.ts';
import type { NewEvent } from '../store/event.ts';
import type { ExpectedRevision } from '../store/expected-revision.ts';
import type { Appended, AppendedAll, AppendedToStream, StreamAppend, StreamCheck } from '../store/options.ts';
import { position, revision, type Revision } from '../store/position.ts';
import { deletedBody, metadataEvent, metadataType } from '../store/stream-metadata.ts';
import { metadataStreamOf, type StreamName } from '../store/stream-name.ts';
import type { Log, StoredEvent } from './log.ts';

/** What a write did: the answer for the writer, and the events that are new in the log. */
export interface Written<Answer> {
  readonly answer: Answer;
  readonly added: readonly StoredEvent[];
}

/** Appends to one stream, or finds the events there already. */
export function append(log: Log, { stream, events, expected }: StreamAppend, nowMs: number): Written<Appended> {
  const ids = events.map(({ id }) => id.toLowerCase());
  const facts = log.factsOf(stream);
  const verdict = decideAppend(facts, expected, ids);
  switch (verdict.kind) {
    case 'refused':
      throw refusal({ stream, expected }, { facts, why: verdict.why });
    case 'repeated': {
      const repeated = repeatedWrite({ stream, expected, ids }, verdict.firstRevision);
      return { answer: { outcome: 'repeated', ...answerOf(log, repeated) }, added: [] };
    }
    case 'append': {
      const added = [...undelete(log, stream, nowMs), ...events.map((event) => log.add(stream, event, nowMs))];
      const lastRevision = log.positionsOf(stream).length - 1;
      const firstRevision = lastRevision - events.length + 1;
      return { answer: { outcome: 'appended', ...answerOf(log, { stream, firstRevision, lastRevision }) }, added };
    }
    default:
      return verdict satisfies never;
  }
}

/** Appends to several streams, or to none of them. */
export function appendAll(
  log: Log,
  options: { readonly appends: readonly StreamAppend[]; readonly checks: readonly StreamCheck[]; nowMs: number },
): Written<AppendedAll> {
  const { appends, checks, nowMs } = options;
  const writes = writesOf(appends);
  const verdict = decideAppendAll(writes, { checks, factsOf: (stream) => log.factsOf(stream) });
  if (verdict.kind === 'repeated') {
    return { answer: answerToAll(log, { outcome: 'repeated', writes: verdict.writes }), added: [] };
  }
  const undeleted = writes.flatMap(({ stream }) => undelete(log, stream, nowMs));
  const appended = appends.flatMap(({ stream, events }) => events.map((event) => log.add(stream, event, nowMs)));
  const places = writes.map(({ stream, ids }) => {
    const lastRevision = log.positionsOf(stream).length - 1;
    return { stream, firstRevision: lastRevision - ids.length + 1, lastRevision };
  });
  return { answer: answerToAll(log, { outcome: 'appended', writes: places }), added: [...undeleted, ...appended] };
}

/** Deletes a stream: as in KurrentDB, by metadata that truncate it before the largest revision there is. */
export function deleteStream(
  log: Log,
  { stream, expected, nowMs }: { stream: StreamName; expected: ExpectedRevision; nowMs: number },
): Written<StoredEvent> {
  const facts = log.factsOf(stream);
  const isNothing = facts.revision < 0 && !facts.hasMetadata && !facts.isTombstoned;
  if (expected === 'no-stream' && isNothing) throw new WrongExpectedRevision(violation(stream, facts, expected));
  const event: NewEvent = {
    id: randomUUID(),
    type: metadataType,
    data: Buffer.from(deletedBody),
    contentType: 'application/json',
  };
  checkEnd(log, { stream, expected, id: event.id });
  const answer = log.add(metadataStreamOf(stream), event, nowMs);
  return { answer, added: [answer] };
}

/** Closes a stream for good, whether it was ever there or not. */
export function tombstoneStream(
  log: Log,
  { stream, expected, nowMs }: { stream: StreamName; expected: ExpectedRevision; nowMs: number },
): Written<StoredEvent> {
  checkEnd(log, { stream, expected, id: randomUUID() });
  const answer = log.addTombstone(stream, nowMs);
  return { answer, added: [answer] };
}

/** Throws unless one more event, which cannot be a repeat, could be appended. */
function checkEnd(log: Log, write: { stream: StreamName; expected: ExpectedRevision; id: string }): void {
  const { stream, expected, id } = write;
  const facts = log.factsOf(stream);
  const verdict = decideAppend(facts, expected, [id]);
  if (verdict.kind === 'refused') throw refusal(write, { facts, why: verdict.why });
}

/** Brings a deleted stream back, empty: what it had stays hidden, and other metadata stay as they are. */
function undelete(log: Log, stream: StreamName, nowMs: number): readonly StoredEvent[] {
  if (!log.factsOf(stream).isDeleted) return [];
  const truncateBefore = revision(log.positionsOf(stream).length);
  const metadata = { custom: {}, ...log.metadataOf(stream), truncateBefore };
  return [log.add(metadataStreamOf(stream), metadataEvent(metadata), nowMs)];
}

interface Places {
  readonly stream: StreamName;
  readonly firstRevision: number;
  readonly lastRevision: number;
}

function answerOf(
  log: Log,
  { stream, firstRevision, lastRevision }: Places,
): { firstRevision: Revision; revision: Revision; position: AppendedToStream['position'] } {
  const place = log.positionsOf(stream)[lastRevision]!; // The events are there.
  return { firstRevision: revision(firstRevision), revision: revision(lastRevision), position: position(place) };
}

function answerToAll(
  log: Log,
  { outcome, writes }: { outcome: 'appended' | 'repeated'; writes: readonly Places[] },
): AppendedAll {
  const streams = writes.map((write): AppendedToStream => ({ stream: write.stream, ...answerOf(log, write) }));
  const [first, ...others] = streams.map((written) => written.position);
  if (first === undefined) return { outcome, streams };
  return { outcome, streams, position: others.reduce((last, place) => (place > last ? place : last), first) };
}
