import { derivedStreamsOf } from '../store/derived-stream.ts';
import { revision, type Revision } from '../store/position.ts';
import { categoryOf, isSystemStream, type StreamName } from '../store/stream-name.ts';
import type { Stretch, Tail } from './tail.ts';

/** How many pairs of a category and an event type are remembered. */
const pairsAtMost = 10_000;

const noMetadata = new Uint8Array(0);
const later = revision(1);

/** The stretches of the tail that an event belongs to, besides that of its own stream. */
export class DerivedStretches {
  readonly #tail: Tail;
  readonly #stretches = new Map<string, Stretch>();
  /** By category and type, those of an event that is not the first of its stream and has no metadata, as most are. */
  readonly #byCategory = new Map<string, Map<string, readonly Stretch[]>>();
  #pairs = 0;

  constructor(tail: Tail) {
    this.#tail = tail;
  }

  of(event: { stream: StreamName; type: string; revision: Revision; metadata: Uint8Array }): readonly Stretch[] {
    const { stream, type, metadata } = event;
    if (event.revision === 0n || metadata.length > 0 || isSystemStream(stream)) return this.#named(event);
    const category = categoryOf(stream) ?? '';
    let byType = this.#byCategory.get(category);
    if (byType === undefined) this.#byCategory.set(category, (byType = new Map()));
    let stretches = byType.get(type);
    if (stretches === undefined) {
      stretches = this.#named({ stream, type, revision: later, metadata: noMetadata });
      byType.set(type, stretches);
      this.#pairs += 1;
      if (this.#pairs > pairsAtMost) this.forget();
    }
    return stretches;
  }

  /** Lets go of all stretches. */
  forget(): void {
    this.#pairs = 0;
    this.#byCategory.clear();
    this.#stretches.clear();
  }

  #named(event: { stream: StreamName; type: string; revision: Revision; metadata: Uint8Array }): readonly Stretch[] {
    return derivedStreamsOf(event).map((name) => {
      // There are as many correlation ids as chains of events: theirs are not held.
      if (name.startsWith('$bc-')) return this.#tail.stretch(name);
      let stretch = this.#stretches.get(name);
      if (stretch === undefined) this.#stretches.set(name, (stretch = this.#tail.stretch(name)));
      return stretch;
    });
  }
}
