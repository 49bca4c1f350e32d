import { InvalidOption, InvalidStreamName } from './errors.ts';
import { largestEventBytes, type Limits } from './limits.ts';
import type { ReadAllOptions, ReadStreamOptions } from './options.ts';
import type { StreamName } from './stream-name.ts';

/** Throws unless a read can be done as its options say. */
export function checkRead({ from, limit, pageSize }: ReadStreamOptions | ReadAllOptions): void {
  if (from instanceof Date && !Number.isFinite(from.getTime())) throw new InvalidOption('from', 'it is no time');
  if (limit !== undefined && limit !== Infinity) checkCount('limit', limit, 0);
  if (pageSize !== undefined) checkCount('pageSize', pageSize, 1);
}

/** Throws when `stream` is `$all`, which is read and subscribed to by methods of its own. */
export function checkNotAll(stream: StreamName): void {
  if (stream === '$all') throw new InvalidStreamName(stream, 'it is all streams: use readAll or subscribeToAll');
}

/** Throws unless each limit is a size that a store can keep. */
export function checkLimits(limits: Limits): void {
  for (const [name, size] of Object.entries(limits)) checkCount(`limits.${name}`, size, 1);
  if (limits.eventBytes > largestEventBytes) {
    throw new InvalidOption('limits.eventBytes', `${limits.eventBytes} is above ${largestEventBytes}`);
  }
}

function checkCount(option: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new InvalidOption(option, `${value} is not a whole number from ${least} up`);
}
