/** Freezes a value with all that is in it, so that nobody can change it. Gives how many bytes it has, roughly. */
export function freezeDeep(root: unknown): number {
  const seen = new Set<object>();
  const waiting: unknown[] = [root];
  let bytes = 0;
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === 'string') bytes += 24 + 2 * value.length;
    else if (typeof value !== 'object' || value === null) bytes += 8;
    else if (!seen.has(value)) {
      seen.add(value);
      bytes += 64;
      if (ArrayBuffer.isView(value)) {
        bytes += value.byteLength; // Cannot be frozen.
        continue;
      }
      for (const part of partsOf(value)) waiting.push(part);
      Object.freeze(value);
    }
  }
  return bytes;
}

function partsOf(value: object): readonly unknown[] {
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  if (value instanceof Set) return [...value];
  return Object.values(value);
}
