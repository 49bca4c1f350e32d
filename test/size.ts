/** How much a test does: all of it in CI, a fifth or another part of it in between, so that everyone can run all tests often. */
export function size(full: number, { parts = 5 }: { readonly parts?: number } = {}): number {
  return process.env['CI'] === 'true' ? full : Math.ceil(full / parts);
}
