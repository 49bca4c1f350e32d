/** An operation on one stream as a worker saw it, from before it was sent until its answer was there. */
export interface Operation {
  readonly stream: string;
  readonly invokedAt: number;
  /** Infinity when no answer came: perhaps it took effect, perhaps not. */
  readonly returnedAt: number;
  readonly did: Did;
}

export type Did =
  | { readonly kind: 'read'; readonly ids: readonly string[] }
  | {
      readonly kind: 'append';
      readonly ids: readonly string[];
      /** The last revision that the writer expected, -1 for none, or undefined for any. */
      readonly expected: number | undefined;
      /** Of the last event. Undefined when no answer came. */
      readonly revision: number | undefined;
    }
  | { readonly kind: 'conflict'; readonly expected: number; readonly actual: number };

/** The operations of each stream: one that is linearizable in each is linearizable in all. */
export function byStream(history: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> {
  return Map.groupBy(history, ({ stream }) => stream);
}
