import { grouped } from './progress.ts';

/** How many there are, in words: `1 event`, `2,000 events`. */
export function counted(count: number | bigint, thing: string): string {
  return `${grouped(count)} ${thing}${BigInt(count) === 1n ? '' : 's'}`;
}
