import type { ExpectedRevision } from 'daybook';

/** What a model says about metadata. Ages are whole seconds, as they are stored. */
export interface ModelMetadata {
  readonly maxCount?: number;
  readonly maxAgeMs?: number;
  readonly truncateBefore?: bigint;
  readonly owner?: string;
}

/** An event as the model remembers it. Only the order of the log matters, not the positions. */
export interface ModelEvent {
  readonly stream: string;
  readonly revision: bigint;
  /** Absent when the store chose it. */
  readonly id?: string;
  readonly type: string;
  /** Absent when the store chose the bytes. */
  readonly data?: string;
  readonly correlationId?: string;
  readonly createdMs: number;
  /** Of a metadata stream: what it says. */
  readonly says?: ModelMetadata;
  isFreed: boolean;
  /** Known of the last event of an acknowledged append. */
  position?: bigint;
}

export type ModelVerdict =
  | { readonly kind: 'appended' }
  | { readonly kind: 'repeated'; readonly first: bigint; readonly last: bigint }
  | { readonly kind: 'refused'; readonly code: string; readonly actual?: bigint | string };

const deletedMark = 2n ** 63n - 1n;
export const tombstoneMark: bigint = 2n ** 63n - 1n;

/**
 * What an event store means, in the simplest way there is: one list, searched from the beginning each time. It shares
 * no code with the stores, so that both must be wrong in the same way for an error to hide.
 */
export class ModelLog {
  readonly events: ModelEvent[] = [];
  nowMs = 1_700_000_000_000;
  #ids = 0;

  newId(): string {
    this.#ids += 1;
    return `00000000-0000-4000-8000-${this.#ids.toString(16).padStart(12, '0')}`;
  }

  /** Everything that was appended to a stream, but a tombstone. */
  of(stream: string): readonly ModelEvent[] {
    return this.events.filter((event) => event.stream === stream && event.type !== '$streamDeleted');
  }

  last(stream: string): bigint {
    return BigInt(this.of(stream).length - 1);
  }

  isTombstoned(stream: string): boolean {
    const described = stream.startsWith('$$') ? stream.slice(2) : stream;
    return this.events.some((event) => event.stream === described && event.type === '$streamDeleted');
  }

  metadata(stream: string): ModelMetadata {
    if (stream.startsWith('$$')) return {};
    return this.of(`$$${stream}`).at(-1)?.says ?? {};
  }

  isDeleted(stream: string): boolean {
    return this.metadata(stream).truncateBefore === deletedMark;
  }

  /** The first revision that metadata leave visible. */
  first(stream: string): bigint {
    const last = this.last(stream);
    if (stream.startsWith('$$')) return last < 0n ? 0n : last;
    if (this.isDeleted(stream)) return last + 1n;
    const { truncateBefore = 0n, maxCount } = this.metadata(stream);
    const byCount = maxCount === undefined ? 0n : last + 1n - BigInt(maxCount);
    return truncateBefore > byCount ? truncateBefore : byCount;
  }

  isVisible(event: ModelEvent): boolean {
    if (event.isFreed || event.type === '$streamDeleted' || this.isTombstoned(event.stream)) return false;
    const { maxAgeMs } = this.metadata(event.stream);
    if (maxAgeMs !== undefined && event.createdMs < this.nowMs - maxAgeMs) return false;
    return event.revision >= this.first(event.stream);
  }

  /** What a derived stream gathers, or undefined when it is no derived stream. */
  gathered(stream: string): readonly ModelEvent[] | undefined {
    const facts = this.events.filter(({ type }) => type !== '$streamDeleted');
    const ordinary = facts.filter((event) => !event.stream.startsWith('$'));
    const key = stream.slice(stream.indexOf('-') + 1);
    const ofCategory = ordinary.filter((event) => event.stream.startsWith(`${key}-`));
    if (stream.startsWith('$ce-')) return ofCategory;
    if (stream.startsWith('$et-')) return ordinary.filter(({ type }) => type === key);
    if (stream.startsWith('$category-')) return ofCategory.filter(({ revision }) => revision === 0n);
    if (stream.startsWith('$bc-')) return facts.filter(({ correlationId }) => correlationId === key);
    return undefined;
  }

  /** Whether events with these ids may be appended. The rules of KurrentDB, with repeats known for ever. */
  decide(stream: string, expected: ExpectedRevision, ids: readonly string[]): ModelVerdict {
    const wrong: ModelVerdict = { kind: 'refused', code: 'wrong-expected-revision', actual: this.actual(stream) };
    if (this.isTombstoned(stream)) return { kind: 'refused', code: 'stream-tombstoned' };
    const events = this.of(stream);
    const last = this.last(stream);
    if (expected === 'stream-exists' && this.isDeleted(stream)) return { kind: 'refused', code: 'stream-deleted' };
    if (expected === 'stream-exists' && last < 0n && this.of(`$$${stream}`).length === 0) return wrong;
    if (expected === 'stream-exists' || expected === 'any') {
      const visible = events.filter(({ revision }) => revision >= this.first(stream));
      const distinct = [...new Set(ids)];
      const places = distinct.map((id) => visible.find((event) => event.id === id)?.revision);
      if (places.every((place) => place === undefined)) return { kind: 'appended' };
      const [first] = places;
      const isRun = places.every((place, index) => first !== undefined && place === first + BigInt(index));
      return isRun ? { kind: 'repeated', first: first!, last: first! + BigInt(distinct.length - 1) } : wrong;
    }
    const at = expected === 'no-stream' ? -1n : expected;
    if (at === last) return { kind: 'appended' };
    if (at > last) return wrong;
    const there = events.slice(Number(at) + 1, Number(at) + 1 + ids.length);
    if (ids.every((id, index) => there[index]?.id === id)) {
      return { kind: 'repeated', first: at + 1n, last: at + BigInt(ids.length) };
    }
    const comesBack = expected === 'no-stream' && this.isDeleted(stream) && there[0]?.id !== ids[0];
    return comesBack ? { kind: 'appended' } : wrong;
  }

  actual(stream: string): bigint | string {
    if (this.isTombstoned(stream)) return 'tombstoned';
    return this.last(stream) < 0n ? 'no-stream' : this.last(stream);
  }

  /** Adds an event at the end. */
  add(event: Pick<ModelEvent, 'stream' | 'type' | 'id' | 'data' | 'correlationId' | 'says'>): ModelEvent {
    const isTombstone = event.type === '$streamDeleted';
    const revision = isTombstone ? tombstoneMark : this.last(event.stream) + 1n;
    const added: ModelEvent = { ...event, revision, createdMs: this.nowMs, isFreed: false };
    this.events.push(added);
    return added;
  }

  /** What an append to a deleted stream does first. */
  undelete(stream: string): void {
    if (!this.isDeleted(stream)) return;
    this.describe(stream, { ...this.metadata(stream), truncateBefore: this.last(stream) + 1n });
  }

  /** Metadata whose bytes the store chooses. */
  describe(stream: string, says: ModelMetadata): ModelEvent {
    return this.add({ stream: `$$${stream}`, type: '$metadata', says });
  }

  delete(stream: string): ModelEvent {
    return this.describe(stream, { truncateBefore: deletedMark });
  }

  /** Frees what no read of its stream gives, but the last event of each stream. */
  scavenge(): number {
    const useless = this.events.filter((event) => {
      if (event.isFreed || event.type === '$streamDeleted' || this.isVisible(event)) return false;
      const isClosed = this.events.some(({ stream, type }) => stream === event.stream && type === '$streamDeleted');
      return isClosed || event.revision !== this.last(event.stream);
    });
    for (const event of useless) event.isFreed = true;
    return useless.length;
  }
}
