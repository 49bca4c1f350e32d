import { readFileSync } from 'node:fs';

/** The version of this package. */
export function version(): string {
  const file: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const text: unknown = typeof file === 'object' && file !== null ? Reflect.get(file, 'version') : undefined;
  return typeof text === 'string' ? text : 'unknown';
}
