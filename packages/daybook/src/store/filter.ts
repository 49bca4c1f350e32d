import { InvalidOption } from './errors.ts';
import type { RecordedEvent } from './event.ts';
import { categoryOf } from './stream-name.ts';

/**
 * Which events of `$all` a read or a subscription gives. Applied in the store, so what does not match never leaves it.
 * Every field that is there must hold: an event type of one category is `{ categories, eventTypes }`. Several values of
 * one field mean any of them, and none of them nothing. Without a field, every event passes.
 */
export interface Filter {
  readonly streamPrefixes?: readonly string[] | undefined;
  readonly categories?: readonly string[] | undefined;
  readonly streamMatches?: TextMatcher | undefined;
  readonly eventTypes?: readonly string[] | undefined;
  readonly eventTypePrefixes?: readonly string[] | undefined;
  readonly eventTypeMatches?: TextMatcher | undefined;
}

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

/** Whether an event passes. */
type Test = (event: Pick<RecordedEvent, 'stream' | 'type'>) => boolean;

/** A function that says whether an event passes `filter`. Without one, every event passes. */
export function passes(filter: Filter = {}): Test {
  const tests = testsOf(filter);
  const [first, ...others] = tests;
  if (first === undefined) return () => true;
  return others.length === 0 ? first : (event) => tests.every((test) => test(event));
}

const fields: ReadonlySet<string> = new Set<keyof Filter>([
  'streamPrefixes',
  'categories',
  'streamMatches',
  'eventTypes',
  'eventTypePrefixes',
  'eventTypeMatches',
]);

function testsOf(filter: Filter): readonly Test[] {
  const { streamPrefixes, streamMatches, eventTypePrefixes, eventTypeMatches } = filter;
  // A field that is misspelt would let every event pass.
  const unknown = Object.keys(filter).find((field) => !fields.has(field));
  if (unknown !== undefined) throw new InvalidOption('filter', `it has a field ${unknown}, which is none`);
  const categories = filter.categories && new Set(filter.categories);
  const types = filter.eventTypes && new Set(filter.eventTypes);
  const tests: readonly (Test | undefined)[] = [
    types && (({ type }) => types.has(type)),
    streamPrefixes && (({ stream }) => streamPrefixes.some((prefix) => stream.startsWith(prefix))),
    eventTypePrefixes && (({ type }) => eventTypePrefixes.some((prefix) => type.startsWith(prefix))),
    categories && (({ stream }) => categories.has(categoryOf(stream) ?? '')),
    streamMatches && (({ stream }) => streamMatches.test(stream)),
    eventTypeMatches && (({ type }) => eventTypeMatches.test(type)),
  ];
  return tests.filter((test) => test !== undefined);
}
