import type { Filter } from '../store/filter.ts';
import type { KurrentOptions } from './client.ts';

/** Matches no name and no type, for a filter that lists nothing: an empty list means "all" on the wire. */
const nothing = '^$';

/**
 * A filter in the clients' words. It lets everything through that `filter` lets through, and for exotic values more:
 * who uses it filters again.
 */
export function convertFilter(filter: Filter, checkpointEvery = 1_000): KurrentOptions {
  return { ...expression(filter), checkpointInterval: 1, maxSearchWindow: checkpointEvery };
}

function expression(filter: Filter): KurrentOptions {
  if ('streamPrefixes' in filter) return prefixes('streamName', filter.streamPrefixes);
  if ('categories' in filter) {
    // The category is what stands before the first hyphen.
    return prefixes(
      'streamName',
      filter.categories.filter((category) => category !== '').map((category) => `${category}-`),
    );
  }
  if ('eventTypePrefixes' in filter) return prefixes('eventType', filter.eventTypePrefixes);
  if ('eventTypes' in filter) {
    const { eventTypes } = filter;
    const regex = eventTypes.length === 0 ? nothing : `^(?:${eventTypes.map((type) => escaped(type)).join('|')})$`;
    return { filterOn: 'eventType', regex };
  }
  if ('streamMatches' in filter) return { filterOn: 'streamName', regex: filter.streamMatches.source };
  return { filterOn: 'eventType', regex: filter.eventTypeMatches.source };
}

function prefixes(filterOn: string, list: readonly string[]): KurrentOptions {
  return list.length === 0 ? { filterOn, regex: nothing } : { filterOn, prefixes: [...list] };
}

/** Text as an expression that matches itself, in .NET, RE2 and JavaScript alike. */
function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
