import type { Filter } from '../store/filter.ts';
import type { KurrentOptions } from './client.ts';

/** Matches no name and no type, for a filter that lists nothing: an empty list means "all" on the wire. */
const nothing = '^$';

/**
 * A filter in the clients' words. It lets everything through that `filter` lets through, and sometimes more: for exotic
 * values, and of several fields, as a server takes only one. Who uses it filters again.
 */
export function convertFilter(filter: Filter, checkpointEvery = 1_000): KurrentOptions {
  return { ...expression(filter), checkpointInterval: 1, maxSearchWindow: checkpointEvery };
}

/** Whole names first: they let the least through. */
function expression(filter: Filter): KurrentOptions {
  const { eventTypes, categories, streamPrefixes, eventTypePrefixes, streamMatches, eventTypeMatches } = filter;
  if (eventTypes !== undefined) {
    const regex = eventTypes.length === 0 ? nothing : `^(?:${eventTypes.map((type) => escaped(type)).join('|')})$`;
    return { filterOn: 'eventType', regex };
  }
  if (categories !== undefined) {
    // The category is what stands before the first hyphen.
    return prefixes(
      'streamName',
      categories.filter((category) => category !== '').map((category) => `${category}-`),
    );
  }
  if (streamPrefixes !== undefined) return prefixes('streamName', streamPrefixes);
  if (eventTypePrefixes !== undefined) return prefixes('eventType', eventTypePrefixes);
  if (streamMatches !== undefined) return { filterOn: 'streamName', regex: streamMatches.source };
  if (eventTypeMatches !== undefined) return { filterOn: 'eventType', regex: eventTypeMatches.source };
  return { filterOn: 'streamName', prefixes: [''] }; // What every name begins with.
}

function prefixes(filterOn: string, list: readonly string[]): KurrentOptions {
  return list.length === 0 ? { filterOn, regex: nothing } : { filterOn, prefixes: [...list] };
}

/** Text as an expression that matches itself, in .NET, RE2 and JavaScript alike. */
function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
