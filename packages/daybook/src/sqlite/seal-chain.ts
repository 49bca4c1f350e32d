import { createHash, type Hash } from 'node:crypto';

import type { LogConnection } from './connection.ts';
import { createdIn } from './record.ts';
import type { SealRow } from './rows.ts';

/** How many events one seal covers. */
export const segmentEvents = 1_024;

/** The segment that a position belongs to, counted from 1. */
export function segmentOf(position: number): number {
  return Math.ceil(position / segmentEvents);
}

/** The first and the last position of a segment. */
export function positionsIn(segment: number): readonly [first: number, last: number] {
  return [(segment - 1) * segmentEvents + 1, segment * segmentEvents];
}

const noSeal = new Uint8Array(32);

/** The seal of a segment, given the one before it. */
export function sealOf(before: Uint8Array | undefined, hash: Uint8Array): Uint8Array {
  return createHash('sha256')
    .update(before ?? noSeal)
    .update(hash)
    .digest();
}

/** The hash of the records of a whole segment. */
export function segmentHash(records: Iterable<Uint8Array>): Uint8Array {
  const hash = createHash('sha256');
  for (const record of records) hash.update(record);
  return hash.digest();
}

/** Records are gathered up to here before they are hashed: each call into Node costs as much as hashing a record. */
const gatheredBytes = 16 * 1024;

/** Seals the log as it grows: gives a row each time a segment is full. */
export class SealChain {
  #seal: Uint8Array | undefined;
  #hash: Hash = createHash('sha256');
  readonly #gathered: Buffer = Buffer.allocUnsafeSlow(gatheredBytes);
  #gatheredBytes = 0;
  #minCreatedMs = Infinity;
  #maxCreatedMs = -Infinity;

  /** The chain as it stands at the end of a log. */
  static at(log: LogConnection, last: number): SealChain {
    const chain = new SealChain();
    const sealed = log.lastSeal();
    chain.#seal = sealed?.seal;
    const first = (sealed?.segment ?? 0) * segmentEvents + 1;
    for (const [, record] of log.records(first, last, segmentEvents)) {
      chain.#take(record, createdIn(record));
    }
    return chain;
  }

  /** Takes the next record. Gives the seal of its segment if it is the last one in it. */
  add(record: Uint8Array, position: number, createdMs: number): SealRow | undefined {
    this.#take(record, createdMs);
    if (position % segmentEvents !== 0) return undefined;
    this.#hashGathered();
    const hash = this.#hash.digest();
    const seal = sealOf(this.#seal, hash);
    const row = {
      segment: position / segmentEvents,
      hash,
      seal,
      minCreatedMs: this.#minCreatedMs,
      maxCreatedMs: this.#maxCreatedMs,
    };
    this.#seal = seal;
    this.#hash = createHash('sha256');
    this.#minCreatedMs = Infinity;
    this.#maxCreatedMs = -Infinity;
    return row;
  }

  #take(record: Uint8Array, createdMs: number): void {
    if (this.#gatheredBytes + record.length > gatheredBytes) this.#hashGathered();
    if (record.length > gatheredBytes) {
      this.#hash.update(record);
    } else {
      this.#gathered.set(record, this.#gatheredBytes);
      this.#gatheredBytes += record.length;
    }
    if (createdMs < this.#minCreatedMs) this.#minCreatedMs = createdMs;
    if (createdMs > this.#maxCreatedMs) this.#maxCreatedMs = createdMs;
  }

  #hashGathered(): void {
    if (this.#gatheredBytes > 0) this.#hash.update(this.#gathered.subarray(0, this.#gatheredBytes));
    this.#gatheredBytes = 0;
  }
}
