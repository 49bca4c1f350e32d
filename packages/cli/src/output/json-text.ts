/** A value as one line of JSON. A bigint is a decimal string: a double could not hold it. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
}
