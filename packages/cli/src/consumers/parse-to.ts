import { parsePlace, parseTime } from '../input/parse-options.ts';

/** Where a consumer is to go on after: `start`, `end`, a number, or a time. */
export function parseTo(text: string): bigint | 'start' | 'end' | Date {
  if (text === '-1') return 'start';
  return /^(?:start|end|\d+)$/.test(text) ? parsePlace(text, '--to') : parseTime(text, '--to');
}
