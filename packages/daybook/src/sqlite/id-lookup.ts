/** In a list this long it is no slower to look at each hash, and a list takes a tenth of the memory. */
const listedAtMost = 64;

/** The revisions of a stream's events by the hash of their ids. */
export class IdLookup {
  readonly #hashes: number[];
  #revisions: Map<number, number> | undefined;

  /** `hashes` are those of revision 0, 1, 2, … */
  constructor(hashes: number[]) {
    this.#hashes = hashes;
  }

  /** The first revision at which an id with this hash stands, or -1. */
  find(hash: number): number {
    if (this.#hashes.length <= listedAtMost) return this.#hashes.indexOf(hash);
    this.#revisions ??= revisionsOf(this.#hashes);
    return this.#revisions.get(hash) ?? -1;
  }

  /** Takes the id of the next revision. */
  add(hash: number): void {
    if (this.#revisions?.has(hash) === false) this.#revisions.set(hash, this.#hashes.length);
    this.#hashes.push(hash);
  }
}

function revisionsOf(hashes: readonly number[]): Map<number, number> {
  const revisions = new Map<number, number>();
  for (const [revision, hash] of hashes.entries()) if (!revisions.has(hash)) revisions.set(hash, revision);
  return revisions;
}
