import type { Filter, StreamName } from 'daybook';

import { usage } from '../failure.ts';

/** What `--type` and `--category` ask for. Each may be given again. */
export interface FilterOptions {
  readonly type?: readonly string[];
  readonly category?: readonly string[];
}

/** The filter of `$all` that the options mean, if there is one. A category is asked for only there. */
export function parseFilter(stream: StreamName, { type, category }: FilterOptions): Filter | undefined {
  if (category !== undefined && stream !== '$all') {
    throw usage(`--category is for '$all'. The events of one category are in '$ce-${category[0]}'.`);
  }
  return type === undefined && category === undefined ? undefined : { eventTypes: type, categories: category };
}
