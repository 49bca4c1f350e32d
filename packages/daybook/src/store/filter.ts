import type { RecordedEvent } from './event.ts';
import { categoryOf } from './stream-name.ts';

/**
 * Which events of `$all` a read or a subscription gives. Applied in the store, so what does not match never leaves it.
 * Several values of one field mean any of them.
 */
export type Filter =
  | { readonly streamPrefixes: readonly string[] }
  | { readonly categories: readonly string[] }
  | { readonly eventTypes: readonly string[] }
  | { readonly eventTypePrefixes: readonly string[] }
  | { readonly streamMatches: TextMatcher }
  | { readonly eventTypeMatches: TextMatcher };

/**
 * A regular expression, compiled by the caller. A plain `RegExp` fits, but can take exponential time: compile what
 * comes from outside with a linear-time engine such as re2js (`daybook-server` exports `linearMatcher`).
 */
export interface TextMatcher {
  /** The expression as text, for a store that matches elsewhere. */
  readonly source: string;
  /** Whether the expression matches anywhere in `text`. Must not depend on earlier calls. */
  test(text: string): boolean;
}

/** A function that says whether an event passes `filter`. Without one, every event passes. */
export function passes(filter: Filter | undefined): (event: Pick<RecordedEvent, 'stream' | 'type'>) => boolean {
  if (filter === undefined) return () => true;
  if ('streamPrefixes' in filter) {
    const prefixes = filter.streamPrefixes;
    return ({ stream }) => prefixes.some((prefix) => stream.startsWith(prefix));
  }
  if ('eventTypePrefixes' in filter) {
    const prefixes = filter.eventTypePrefixes;
    return ({ type }) => prefixes.some((prefix) => type.startsWith(prefix));
  }
  if ('categories' in filter) {
    const categories = new Set(filter.categories);
    return ({ stream }) => categories.has(categoryOf(stream) ?? '');
  }
  if ('eventTypes' in filter) {
    const types = new Set(filter.eventTypes);
    return ({ type }) => types.has(type);
  }
  if ('streamMatches' in filter) return ({ stream }) => filter.streamMatches.test(stream);
  return ({ type }) => filter.eventTypeMatches.test(type);
}
