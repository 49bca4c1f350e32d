import { setImmediate as breathe } from 'node:timers/promises';

import { derivedStream, derivedStreamsOf } from '../store/derived-stream.ts';
import { position as asPosition, revision } from '../store/position.ts';
import type { Engine } from './engine.ts';
import { IndexDamaged } from './errors.ts';
import type { Finding, VerifyProgress } from './options.ts';
import { headOf, type RecordHead } from './record.ts';
import { positionsIn, segmentEvents, segmentHash, sealOf } from './seal-chain.ts';

/** How many segments are checked between two reports. */
const stepSegments = 8;

/**
 * Reads every event and compares checksums, seals and indexes. Memory grows with the number of streams: each has its
 * next number counted. An index that is wrong is built again afterwards.
 */
export async function* verify(
  engine: Engine,
  { signal }: { readonly signal?: AbortSignal },
): AsyncGenerator<VerifyProgress, void, undefined> {
  engine.refresh();
  const check = new Check(engine);
  try {
    yield* steps(check, { end: engine.durable, signal });
  } finally {
    // Also when the caller has seen enough.
    if (check.isIndexWrong && !check.hasLost) engine.rebuildIndex();
  }
}

async function* steps(
  check: Check,
  { end, signal }: { readonly end: number; readonly signal: AbortSignal | undefined },
): AsyncGenerator<VerifyProgress, void, undefined> {
  const eventsTotal = BigInt(end);
  let findings: Finding[] = check.files();
  for (let segment = 1; (segment - 1) * segmentEvents < end; segment += 1) {
    await breathe(); // Before the first step, too: whoever stops at the first finding and looks again stops nobody else.
    signal?.throwIfAborted();
    findings.push(...check.segment(segment, end));
    if (segment % stepSegments === 0 || findings.length > 0) {
      check.note(findings);
      yield { eventsChecked: BigInt(Math.min(segment * segmentEvents, end)), eventsTotal, findings };
      findings = [];
    }
  }
  findings.push(...check.counts(end));
  check.note(findings);
  yield { eventsChecked: eventsTotal, eventsTotal, findings };
}

class Check {
  readonly #engine: Engine;
  /** The next number of each stream and derived stream. */
  readonly #next = new Map<string, number>();
  /** What the seal of a segment should be that has none. */
  #seal: Uint8Array | undefined;
  /** From then on nobody knows which numbers the events of derived streams should have. */
  hasLost = false;
  isIndexWrong = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  note(findings: readonly Finding[]): void {
    this.isIndexWrong ||= findings.some(({ kind }) => kind === 'wrong-index');
  }

  files(): Finding[] {
    const { reader } = this.#engine;
    return [
      ...reader
        .quickCheck()
        .filter(isProblem)
        .map((problem) => damagedFile(problem)),
      ...this.#ofIndex(() =>
        reader
          .checkIndex()
          .filter(isProblem)
          .map((problem) => wrongIndex(problem)),
      ),
    ];
  }

  /** Checks the events of a segment, their places in the indexes, and its seal. */
  segment(segment: number, end: number): readonly Finding[] {
    // In one snapshot: a scavenge may be on its way.
    return this.#engine.reader.snapshot(() => this.#segment(segment, end));
  }

  #segment(segment: number, end: number): readonly Finding[] {
    const [first, full] = positionsIn(segment);
    const last = Math.min(full, end);
    const rows = this.#engine.reader.records(first, last, segmentEvents);
    const findings: Finding[] = [];
    let expected = first;
    for (const [position, record] of rows) {
      for (; expected < position; expected += 1) findings.push(missing(expected));
      findings.push(...this.#event(position, record));
      expected = position + 1;
    }
    for (; expected <= last; expected += 1) findings.push(missing(expected));
    this.hasLost ||= rows.length <= last - first;
    if (last === full) findings.push(...this.#sealOf(segment, rows));
    return findings;
  }

  /** Whether the indexes hold something that the log does not. */
  counts(end: number): readonly Finding[] {
    const findings: Finding[] = [];
    for (const [name, next] of this.#next) {
      findings.push(
        ...this.#ofIndex(() => {
          const { last } = this.#engine.streams.places(name, end);
          return last === next - 1 || this.#isUncertain(name)
            ? []
            : [wrongIndex(`it ends ${name} at ${last}; the log ends it at ${next - 1}`)];
        }),
      );
    }
    return findings;
  }

  #isUncertain(name: string): boolean {
    return this.hasLost && derivedStream(name) !== undefined;
  }

  #ofIndex(look: () => Finding[]): Finding[] {
    try {
      return look();
    } catch (error) {
      if (error instanceof IndexDamaged) return [wrongIndex(error.reason)];
      throw error;
    }
  }

  /** A damaged event counts all the same, if it can be told whose it was. */
  #event(position: number, record: Uint8Array): readonly Finding[] {
    const { head, damage } = headOf(record, position);
    const places = head === undefined ? [] : this.#places(position, head);
    this.hasLost ||= head === undefined;
    if (damage === undefined) return places;
    return [{ kind: 'damaged-event', position: asPosition(position), problem: damage.message }, ...places];
  }

  #places(position: number, head: RecordHead): readonly Finding[] {
    try {
      if (head.revision === -1) {
        const at = this.#engine.streams.tombstoneOf(head.stream);
        return at === position ? [] : [notIndexed(position, `${head.stream} is tombstoned`)];
      }
      const at = this.#next.get(head.stream) ?? 0;
      this.#next.set(head.stream, head.revision + 1);
      if (at !== head.revision) {
        const problem = `${head.stream} goes from revision ${at - 1} to ${head.revision}.`;
        return [{ kind: 'missing-event', position: asPosition(position), problem }];
      }
      const names = derivedStreamsOf({ ...head, revision: revision(head.revision) });
      const derived = names.flatMap((name) => {
        const number = this.#next.get(name) ?? 0;
        this.#next.set(name, number + 1);
        return this.hasLost || this.#isIndexed(name, number, position)
          ? []
          : [notIndexed(position, `it is event ${number}@${name}`)];
      });
      const isIndexed = this.#isIndexed(head.stream, head.revision, position);
      return isIndexed ? derived : [notIndexed(position, `it is event ${head.revision}@${head.stream}`), ...derived];
    } catch (error) {
      if (error instanceof IndexDamaged) return [wrongIndex(error.reason, position)];
      throw error;
    }
  }

  #isIndexed(name: string, number: number, position: number): boolean {
    const places = this.#engine.streams.places(name);
    return number <= places.last && this.#engine.streams.positionOf(places, number) === position;
  }

  #sealOf(segment: number, rows: readonly (readonly [number, Uint8Array])[]): readonly Finding[] {
    const position = asPosition(segment * segmentEvents);
    const [sealed] = this.#engine.reader.seals(segment - 1, 1);
    const hash = segmentHash(rows.map(([, record]) => record));
    const seal = sealOf(this.#sealBefore(segment), hash);
    this.#seal = seal;
    if (sealed?.segment !== segment) {
      return [{ kind: 'broken-seal', position, problem: `The seal of events up to ${position} is missing.` }];
    }
    if (Buffer.compare(hash, sealed.hash) === 0 && Buffer.compare(seal, sealed.seal) === 0) return [];
    return [{ kind: 'broken-seal', position, problem: `The events up to ${position} are not those that were sealed.` }];
  }

  /** The seal that the one of a segment follows. */
  #sealBefore(segment: number): Uint8Array | undefined {
    if (segment === 1) return undefined;
    const { reader } = this.#engine;
    const seam = reader.seam();
    if (seam?.segment === segment - 1) return seam.seal;
    const [before] = reader.seals(segment - 2, 1);
    return before?.segment === segment - 1 ? before.seal : this.#seal;
  }
}

function missing(position: number): Finding {
  return {
    kind: 'missing-event',
    position: asPosition(position),
    problem: `There is no event at position ${position}.`,
  };
}

/** SQLite's checks say one word when there is nothing to say. */
function isProblem(text: string): boolean {
  return text !== 'ok';
}

function damagedFile(problem: string): Finding {
  return { kind: 'damaged-file', problem: `SQLite says: ${problem}` };
}

function notIndexed(position: number, fact: string): Finding {
  return wrongIndex(`it does not know that at position ${position} ${fact}`, position);
}

function wrongIndex(fact: string, position?: number): Finding {
  const problem = `The index is wrong, and is built again: ${fact}.`;
  return { kind: 'wrong-index', problem, ...(position !== undefined && { position: asPosition(position) }) };
}
