/**
 * How much a test does: all of it in CI, a fifth or another part of it in between, so that everyone can run all tests
 * often. With CYCLES=10, say, ten times as much.
 */
export function size(full: number, { parts = 5 }: { readonly parts?: number } = {}): number {
  const once = process.env['CI'] === 'true' ? full : Math.ceil(full / parts);
  return once * Number(process.env['CYCLES'] ?? 1);
}
