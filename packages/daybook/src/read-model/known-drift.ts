import type { KeptDrift } from '../consumer/harmony.ts';
import type { Difference } from './compare.ts';
import type { Drift } from './drift.ts';
import { nameOf, unexplained } from './explain.ts';
import type { ReadModel } from './read-model.ts';
import type { Looked } from './rounds.ts';
import { placeText } from './trace.ts';

/** Rows that differ and are remembered. More are counted. */
const rememberedAtMost = 1_000;

/** Which rows are known to differ, from round to round. */
export class KnownDrift {
  readonly #model: ReadModel;
  readonly #rows = new Map<string, Drift>();
  /** Those that an instance before this one has found, and nobody has compared since. */
  readonly #kept: Map<string, KeptDrift>;
  /** Found in this round, and not known before. */
  readonly #found = new Map<string, Difference>();
  /** Rows beyond those that are remembered: of this walk through all rows, and of the one before. */
  #beyond = { now: 0, before: 0 };

  constructor(model: ReadModel, kept: readonly KeptDrift[]) {
    this.#model = model;
    const ofModel = kept.filter(({ table, key }) =>
      model.tables[table]?.key.every((column) => Object.hasOwn(key, column)),
    );
    this.#kept = new Map(ofModel.map((row) => [nameOf(model, row), row]));
  }

  get rows(): readonly Drift[] {
    return [...this.#rows.values()];
  }

  /** The same as they are kept in the log, with those of an instance before. */
  get kept(): readonly KeptDrift[] {
    return [...this.#kept.values(), ...this.rows.map(keptRow)];
  }

  get differing(): number {
    return this.#kept.size + this.#rows.size + Math.max(this.#beyond.now, this.#beyond.before);
  }

  /** Those that nobody has looked into. */
  get found(): readonly Difference[] {
    return [...this.#found.values()];
  }

  /** Takes in what a part of a round has come to: also that a row is as it should be again. */
  note({ names, differences }: Looked): void {
    const differing = new Map(differences.map((difference) => [nameOf(this.#model, difference), difference]));
    for (const name of names) {
      this.#kept.delete(name);
      if (differing.has(name)) continue;
      this.#rows.delete(name);
      this.#found.delete(name);
    }
    for (const [name, difference] of differing) {
      const known = this.#rows.get(name);
      if (known !== undefined) this.#rows.set(name, { ...known, columns: difference.columns });
      else if (this.#rows.size + this.#found.size < rememberedAtMost) this.#found.set(name, difference);
      else if (!this.#found.has(name)) this.#beyond.now += 1;
    }
  }

  /** Remembers those that were found, with what is known about how they came to differ. */
  remember(explained: readonly Drift[]): void {
    for (const [name, difference] of this.#found) this.#rows.set(name, unexplained(difference));
    for (const drift of explained) this.#rows.set(nameOf(this.#model, drift), drift);
    this.#found.clear();
  }

  /** A walk through all rows has ended. */
  endWalk(): void {
    this.#beyond = { now: 0, before: this.#beyond.now };
  }
}

function keptRow({ table, key, class: kind, since }: Drift): KeptDrift {
  return { table, key, class: kind, since: since === undefined ? undefined : placeText(since) };
}
