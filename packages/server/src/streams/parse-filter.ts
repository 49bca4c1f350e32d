import type { Filter, TextMatcher } from 'daybook';

import { GrpcError, status } from '../grpc/status.ts';
import type { ReadFilter } from '../protocol/read-request.ts';
import { linearMatcher } from './linear-matcher.ts';

/** How many events to look at for one checkpoint when the client does not say. */
const defaultWindow = 32;

/** A prefix that every name has. */
const everything = [''];

/**
 * A filter of the protocol as one of the store. A regular expression wins over prefixes; without either all pass.
 *
 * @throws GrpcError when the expression is none, or not one that takes linear time.
 */
export function parseFilter(filter: ReadFilter | 'none' | undefined): Filter | undefined {
  if (filter === undefined || filter === 'none') return undefined;
  const { field, regex, prefixes } = filter;
  if (field === undefined) throw new GrpcError(status.invalidArgument, 'The filter does not say what it is about.');
  if (regex !== '') {
    const matcher = parseRegex(regex);
    return field === 'stream' ? { streamMatches: matcher } : { eventTypeMatches: matcher };
  }
  const listed = prefixes.length === 0 ? everything : prefixes;
  return field === 'stream' ? { streamPrefixes: listed } : { eventTypePrefixes: listed };
}

/** How many events a subscription with a filter looks at for one checkpoint. */
export function checkpointInterval(filter: ReadFilter | 'none' | undefined): number | undefined {
  if (filter === undefined || filter === 'none') return undefined;
  return Math.max(1, filter.window ?? defaultWindow) * Math.max(1, filter.multiplier);
}

function parseRegex(regex: string): TextMatcher {
  try {
    return linearMatcher(regex);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new GrpcError(status.invalidArgument, error.message);
  }
}
