import { createHash } from 'node:crypto';

import { InvalidCommandInput } from './errors.ts';

/** No input is nested deeper. */
const deepest = 200;

/**
 * What tells whether two commands with one id are the same one: SHA-256 over the command's name and its input as it was
 * given, before its schema could change it. The order of members does not matter, and neither does what JSON leaves out.
 *
 * @throws InvalidCommandInput when the input is nested too deep, or in itself.
 */
export function commandHash(name: string | undefined, input: unknown): string {
  const text = `${JSON.stringify(name ?? null)}\n${canonical(input, 0)}`;
  return createHash('sha256').update(text).digest('base64url');
}

/** A value as JSON with its members in order. What is not JSON becomes what JSON makes of it, or something of its own. */
function canonical(value: unknown, depth: number): string {
  if (depth > deepest) throw new InvalidCommandInput([{ message: `it is nested more than ${deepest} deep` }]);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (ArrayBuffer.isView(value))
    return `x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  if (hasJson(value)) return canonical(value.toJSON(), depth + 1);
  if (value instanceof Map || value instanceof Set) return `*${canonical([...value], depth + 1)}`;
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each, depth + 1)).join()}]`;
  const members = Object.entries(value)
    .filter(([, each]) => each !== undefined && typeof each !== 'function' && typeof each !== 'symbol')
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each, depth + 1)}`).join()}}`;
}

function hasJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}
