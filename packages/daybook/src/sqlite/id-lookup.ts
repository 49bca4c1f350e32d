/** In a list this long it is no slower to look at each hash, and a list takes a third of the memory. */
const listedAtMost = 64;
const none: number[] = [];
const nothing = new Uint32Array(0);
/** A hash has 48 bits: the lower 32 and the upper 16 go separate ways. */
const low = 2 ** 32;

/**
 * The revisions of a stream's events by the hash of their ids. A long stream has 11 to 22 bytes an event here, in two
 * arrays that are as long as each other: a mixture of the hash, and one more than the revision, 0 where nothing is.
 */
export class IdLookup {
  #count = 0;
  #listed: number[] | undefined = none;
  #keys: Uint32Array = nothing;
  #places: Uint32Array = nothing;

  get count(): number {
    return this.#count;
  }

  /** The revisions at which an id with this hash may stand, the first one first. */
  revisionsOf(hash: number): readonly number[] {
    if (this.#listed !== undefined) return placesOf(this.#listed, hash);
    const found: number[] = [];
    const key = keyOf(hash % low, Math.floor(hash / low));
    const mask = this.#keys.length - 1;
    for (let at = key & mask; this.#places[at] !== 0; at = (at + 1) & mask) {
      if (this.#keys[at] === key) found.push(this.#places[at]! - 1);
    }
    return found.toSorted((one, other) => one - other);
  }

  /** Takes the id of the next revision. */
  add(hash: number): void {
    if (this.#listed !== undefined && this.#count < listedAtMost) {
      // Most streams are short: a list that begins with its first number has no room for 16 others.
      if (this.#count === 0) this.#listed = [hash];
      else this.#listed.push(hash);
      this.#count += 1;
      return;
    }
    this.addParts(hash % low, Math.floor(hash / low));
  }

  /** The same, of a hash in two parts: its lower 32 and its upper 16 bits. */
  addParts(lower: number, upper: number): void {
    if (this.#listed !== undefined) this.#stopListing();
    if (this.#count * 4 >= this.#keys.length * 3) this.#resize(this.#keys.length * 2);
    this.#count += 1;
    this.#put(keyOf(lower, upper), this.#count);
  }

  /** Makes room for so many in all. */
  reserve(count: number): void {
    if (count <= listedAtMost) return;
    if (this.#listed !== undefined) this.#stopListing();
    let length = this.#keys.length;
    while (count * 4 >= length * 3) length *= 2;
    this.#resize(length);
  }

  #stopListing(): void {
    const listed = this.#listed ?? [];
    this.#listed = undefined;
    this.#keys = new Uint32Array(listedAtMost * 4);
    this.#places = new Uint32Array(listedAtMost * 4);
    for (const [revision, hash] of listed.entries()) {
      this.#put(keyOf(hash % low, Math.floor(hash / low)), revision + 1);
    }
  }

  #put(key: number, place: number): void {
    const mask = this.#keys.length - 1;
    let at = key & mask;
    while (this.#places[at] !== 0) at = (at + 1) & mask;
    this.#keys[at] = key;
    this.#places[at] = place;
  }

  #resize(length: number): void {
    if (length === this.#keys.length) return;
    const [keys, places] = [this.#keys, this.#places];
    this.#keys = new Uint32Array(length);
    this.#places = new Uint32Array(length);
    for (let at = 0; at < keys.length; at += 1) if (places[at] !== 0) this.#put(keys[at]!, places[at]!);
  }
}

/** Where a number stands in a list. Nearly always nowhere: then nothing is made. */
function placesOf(list: readonly number[], wanted: number): readonly number[] {
  const first = list.indexOf(wanted);
  if (first === -1) return none;
  const places: number[] = [];
  for (let at = first; at !== -1; at = list.indexOf(wanted, at + 1)) places.push(at);
  return places;
}

/** Mixes the bits of a hash, as ids that count up would stand side by side otherwise: the end of MurmurHash3. */
function keyOf(lower: number, upper: number): number {
  let key = lower ^ Math.imul(upper, 0x9e3779b1);
  key = Math.imul(key ^ (key >>> 16), 0x85ebca6b);
  key = Math.imul(key ^ (key >>> 13), 0xc2b2ae35);
  return (key ^ (key >>> 16)) >>> 0;
}
