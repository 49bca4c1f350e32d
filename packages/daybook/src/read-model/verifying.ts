import type { Kysely } from 'kysely';

import type { Clock } from '../consumer/clock.ts';
import { publishHarmony, readHarmony } from '../consumer/harmony.ts';
import { thisHost, type Host } from '../consumer/host.ts';
import type { EventStore } from '../store/event-store.ts';
import { position, type Position } from '../store/position.ts';
import { checkLog } from './check-log.ts';
import { knownCheckpoint, type Copy } from './copy.ts';
import { NeedsRebuild, VerifyInterrupted } from './errors.ts';
import { explain } from './explain.ts';
import { firstRound, keptHarmony, nextIn, restoredRound, type HarmonyRound, type NextRound } from './harmony-round.ts';
import type { Progress, Steps } from './job.ts';
import { KnownDrift } from './known-drift.ts';
import { live } from './naming.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { compareKeys, compareNext, compareTouched, type Looked, type RoundOptions, type Walked } from './rounds.ts';
import { standingCopy } from './standing-copy.ts';
import { countAround, firstPlace, rowsOfRound, type SweepPlace } from './sweep.ts';
import { rememberVerified } from './verify.ts';

/** The options of `verifyContinuously` with everything that was left out. */
export interface SettledContinuous {
  readonly db: Kysely<UntypedTables>;
  readonly everyMs: number;
  /** After so many rounds each row has been compared. */
  readonly rounds: number;
  readonly explainAtMost: number;
  readonly unverifiedMs: number;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}

/** The copy stays this instance's for so many rounds without a sign of life, and for a minute at least. */
const leaseRounds = 3;
const leastLeaseMs = 60_000;

/** Holds the copy beside the live tables, and what is known about their rows, from round to round. */
export class Verifying implements AsyncDisposable {
  readonly #store: EventStore;
  readonly #model: ReadModel;
  readonly #options: SettledContinuous;
  readonly #host: Host = thisHost();
  #known: KnownDrift | undefined;
  #copy: Copy | undefined;
  #next: NextRound | undefined;
  #said: HarmonyRound;

  constructor(store: EventStore, model: ReadModel, options: SettledContinuous) {
    this.#store = store;
    this.#model = model;
    this.#options = options;
    this.#said = firstRound(model.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // When the database does not answer, the lease runs out by itself.
    await this.#copy?.release().catch(() => {});
  }

  /** One round. What keeps it from comparing is a part of what it gives; only an abort is thrown. */
  async *round(): AsyncGenerator<HarmonyRound | Progress, void, undefined> {
    const began = performance.now();
    this.#said = { ...this.#said, comparedRows: 0, events: 0, problem: undefined };
    try {
      yield* this.#compare();
    } catch (problem) {
      this.#options.signal?.throwIfAborted();
      this.#copy = undefined; // It may be somebody else's by now, or be gone.
      this.#say({ problem });
    }
    this.#say({ tookMs: performance.now() - began });
    try {
      if (this.#known !== undefined) await this.#publish(this.#known);
    } catch (error) {
      this.#say({ problem: this.#said.problem ?? error });
    }
    yield this.#said;
  }

  async #publish(known: KnownDrift): Promise<void> {
    this.#say({ differing: known.differing, drift: known.rows });
    const facts = { drift: known.kept, next: this.#next, unverifiedMs: this.#options.unverifiedMs };
    await publishHarmony(this.#store, keptHarmony(this.#said, facts));
  }

  #say(facts: Partial<HarmonyRound>): void {
    this.#said = { ...this.#said, ...facts };
  }

  async *#compare(): Steps<void> {
    const { db, signal } = this.#options;
    const model = this.#model;
    const known = (this.#known ??= await this.#restore());
    const checkpoint = await knownCheckpoint(db, model);
    if (checkpoint.code !== model.code) throw new NeedsRebuild(model.name);
    await checkLog(this.#store, { db, model, naming: live, checkpoint });
    const copy = (this.#copy ??= await this.#open());
    await copy.renew();
    const { position: at = position(0n) } = checkpoint;
    // The tables were set back: the next round looks whether they have caught up.
    if (at < copy.position) throw new VerifyInterrupted(model.name);
    for await (const progress of copy.foldTo(at)) {
      this.#say({ events: progress.done });
      yield progress;
    }
    const options = { db, model, copy, signal };
    yield* this.#compareKnown(options, known);
    const from = this.#next?.touchedUpTo;
    if (from !== undefined) {
      for await (const looked of compareTouched(options, { from, upTo: at })) this.#note(known, looked);
    }
    yield* this.#compareShare(options, known, at);
  }

  /** Takes up what an instance before this one has come to. */
  async #restore(): Promise<KnownDrift> {
    const kept = await readHarmony(this.#store, this.#model.name);
    this.#next = nextIn(this.#model, kept?.next);
    this.#said = { ...restoredRound(this.#model, kept), tookMs: this.#said.tookMs };
    return new KnownDrift(this.#model, kept?.drift ?? []);
  }

  #open(): Promise<Copy> {
    const { db, everyMs, signal, clock } = this.#options;
    const leaseMs = Math.max(leaseRounds * everyMs, leastLeaseMs);
    return standingCopy(this.#store, this.#model, { db, signal, leaseMs, host: this.#host, now: () => clock.now() });
  }

  async *#compareKnown(options: RoundOptions, known: KnownDrift): Steps<void> {
    const rows = known.kept;
    for (const table of Object.keys(this.#model.tables)) {
      const keys = rows.filter((row) => row.table === table).map(({ key }) => key);
      if (keys.length > 0) this.#note(known, yield* compareKeys(options, { table, keys }));
    }
  }

  /** Compares the next share of all rows, and looks into what was found. */
  async *#compareShare(options: RoundOptions, known: KnownDrift, touchedUpTo: Position): Steps<void> {
    const { db, model, copy, signal } = options;
    const { rounds, explainAtMost, clock } = this.#options;
    const now = (): number => clock.now();
    const begun = this.#next?.place ?? firstPlace(model);
    const { rows, remaining } = await countAround(db, model, copy, begun);
    let left = rowsOfRound(begun, { rows, remaining }, rounds);
    let passed = 0;
    let place: SweepPlace | undefined = begun;
    // Behind the last row there may be some that only the live tables have.
    while (place !== undefined && (left > 0 || passed >= remaining)) {
      signal?.throwIfAborted();
      const walked: Walked = yield* compareNext(options, { place, atMost: left > 0 ? left : Infinity });
      this.#note(known, walked);
      left -= walked.rows;
      passed += walked.rows;
      place = walked.place;
    }
    const found = known.found.slice(0, explainAtMost);
    known.remember([]);
    this.#next = {
      touchedUpTo,
      place: place === undefined ? firstPlace(model) : { ...place, round: begun.round + 1 },
    };
    const verifiedAt = new Date(clock.now());
    const upTo = copy.position;
    if (place === undefined) known.endWalk();
    this.#say({ position: upTo, rows, verifiedAt, ...(place === undefined && { allVerifiedAt: verifiedAt }) });
    const seen = this.#said.allVerifiedAt === undefined ? rows - remaining + passed : rows;
    this.#say({ verifiedRows: Math.max(0, Math.min(rows, seen) - known.differing) });
    if (place === undefined && known.differing === 0) await rememberVerified(model.name, upTo, { db, now });
    if (found.length === 0) return;
    await this.#publish(known); // To find out how they came to differ may take long: the log is folded for it.
    const differences = { differences: found, upTo, isCodeChanged: false };
    known.remember(yield* explain(this.#store, model, { db, signal, now, ...differences }));
  }

  #note(known: KnownDrift, looked: Looked): void {
    known.note(looked);
    this.#say({ comparedRows: this.#said.comparedRows + looked.names.size });
  }
}
