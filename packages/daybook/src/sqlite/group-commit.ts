import { DaybookError, StoreClosed, UnknownOutcome } from '../store/errors.ts';
import { tailAtMost, type Engine } from './engine.ts';
import { StoreBusy, StoreIoError } from './errors.ts';
import { typedError } from './sql-error.ts';

/** One append, or another change, that waits for its turn. It throws before it writes anything, or not at all. */
export type Change<Answer> = () => Answer;

interface Waiting {
  readonly change: Change<unknown>;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
  /** What became of it, to be told when everything up to `after` is durable. */
  outcome: 'done' | 'refused' | undefined;
  answer: unknown;
  after: number;
}

/** A sync that takes less is not worth another thread: the way there and back takes about as long. */
const briefMs = 0.75;
/** One that takes less on another thread, with the way there and back, may be a brief one: it is tried now and then. */
const maybeBriefMs = 2;
/** A single sync that took longer says no more than this: now and then the disk has something else to do. */
const longMs = 3;
/** After how many syncs on another thread some are tried here, one after the other. When all take long it is doubled. */
const triedAfter = 16;
const triedAfterAtMost = 256;
const triesInARow = 3;
/** While the index is too far behind, appends wait for so long before they look again. */
const behindMs = 5;
/** How many changes one transaction takes at most. */
const changesAtMost = 2_000;

/**
 * Puts all changes that wait into one transaction, each with its own verdict, and gives the verdicts when the disk has
 * it. A sync that takes long runs on the thread pool: the event loop goes on, and so does the next transaction.
 */
export class GroupCommit {
  readonly #engine: Engine;
  readonly #path: string;
  #waiting: Waiting[] = [];
  #verdicts: Waiting[] = [];
  /** How long a sync takes on another thread, one here, and the commit of one change: what was lately counts more. */
  #pooledMs = Infinity;
  #inlineMs = Infinity;
  #changeMs = 0;
  #isBrief = false;
  #untilTry: number = triedAfter;
  #triesAfter: number = triedAfter;
  #triesLeft: number = triesInARow;
  #isScheduled = false;
  #isSyncing = false;
  #closed: StoreClosed | undefined;
  #idle: (() => void) | undefined;

  constructor(engine: Engine, path: string) {
    this.#engine = engine;
    this.#path = path;
  }

  /** Does a change in its turn. The promise settles when the outcome is durable. */
  run<Answer>(change: Change<Answer>): Promise<Answer> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject, outcome: undefined, answer: undefined, after: 0 });
      this.#schedule();
    });
  }

  /** Takes no more changes, and ends when those that wait are done. */
  async close(): Promise<void> {
    this.#closed ??= new StoreClosed();
    if (this.#waiting.length === 0 && this.#verdicts.length === 0 && !this.#isSyncing) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  #schedule(waitMs = 0): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const turn = (): void => {
      this.#isScheduled = false;
      this.#turn();
    };
    if (waitMs > 0) setTimeout(turn, waitMs);
    else setImmediate(turn);
  }

  #turn(): void {
    if (this.#engine.tail.events > tailAtMost && this.#engine.index.hasStarted) {
      this.#schedule(behindMs); // It must catch up first, so that memory stays bounded.
      return;
    }
    this.#isBrief = this.#syncsHere();
    const group = this.#waiting.splice(0, this.#groupSize());
    if (group.length > 0) this.#commit(group);
    if (this.#waiting.length > 0) this.#schedule();
    else if (!this.#isSyncing && this.#isBrief) this.#syncAtOnce();
    void this.#sync();
  }

  /**
   * All that wait, but only half of them when their commit takes longer than a sync that is not brief, and none is under
   * way: the other half is then committed while the disk works for the first, instead of the two waiting for each other.
   */
  #groupSize(): number {
    const count = this.#waiting.length;
    const isSplit = !this.#isSyncing && !this.#isBrief && count * this.#changeMs > this.#pooledMs;
    return Math.min(changesAtMost, isSplit ? Math.ceil(count / 2) : count);
  }

  #commit(group: readonly Waiting[]): void {
    const { writer } = this.#engine;
    const began = performance.now();
    try {
      this.#engine.checkpointIfNeeded();
      writer.begin();
      this.#engine.refreshInTransaction();
      this.#engine.reader.snapshot(() => {
        for (const waiting of group) this.#decide(waiting);
      });
      writer.commit();
    } catch (error) {
      this.#fail(group, error);
      return;
    }
    this.#changeMs = lately(this.#changeMs, (performance.now() - began) / group.length);
    const after = this.#engine.written;
    for (const waiting of group) {
      waiting.after = after;
      this.#verdicts.push(waiting);
    }
  }

  /** Does one change. What it refuses is its own verdict; any other error fails the whole transaction. */
  #decide(waiting: Waiting): void {
    const before = this.#engine.written;
    try {
      waiting.answer = waiting.change();
      waiting.outcome = 'done';
    } catch (error) {
      // A change that found out half way that it cannot be done must not leave its first half.
      if (!(error instanceof DaybookError) || this.#engine.written !== before) throw error;
      waiting.answer = error;
      waiting.outcome = 'refused';
    }
  }

  /** The transaction failed. Rolled back, it is as if it had never been; otherwise nobody knows. */
  #fail(group: readonly Waiting[], cause: unknown): void {
    const error = typedError(this.#path, cause);
    try {
      this.#engine.writer.rollback();
      if (!(error instanceof StoreBusy)) this.#engine.reload();
    } catch (failure) {
      this.#poison(failure);
      for (const { reject } of group) reject(unknown(cause));
      return;
    }
    if (error instanceof StoreIoError) {
      this.#poison(error);
      for (const { reject } of group) reject(unknown(error));
      return;
    }
    for (const { reject } of group) reject(error);
  }

  /** A sync that is shorter than the way to another thread and back is done here. */
  #syncAtOnce(): void {
    const last = this.#verdicts.at(-1)?.after;
    if (last === undefined || last <= this.#engine.durable) return;
    try {
      this.#engine.settle(this.#syncHere());
    } catch (error) {
      this.#lose(error);
      return;
    }
    this.#giveVerdicts();
  }

  /** Whether the next sync is done here: it is known to be brief, or that is to be tried. */
  #syncsHere(): boolean {
    return this.#inlineMs < briefMs || (this.#pooledMs < maybeBriefMs && this.#untilTry <= 0);
  }

  #syncHere(): number {
    const began = performance.now();
    const durable = this.#engine.syncAtOnce();
    this.#measureInline(performance.now() - began);
    return durable;
  }

  async #syncElsewhere(): Promise<number> {
    const began = performance.now();
    const durable = await this.#engine.sync();
    this.#pooledMs = lately(this.#pooledMs, performance.now() - began);
    this.#untilTry -= 1;
    return durable;
  }

  #measureInline(tookMs: number): void {
    const isTry = this.#inlineMs >= briefMs;
    this.#inlineMs = isTry ? tookMs : lately(this.#inlineMs, Math.min(tookMs, longMs));
    if (this.#inlineMs < briefMs) this.#triesAfter = triedAfter;
    else if (isTry && (this.#triesLeft -= 1) > 0) return;
    else if (isTry) this.#triesAfter = Math.min(this.#triesAfter * 2, triedAfterAtMost);
    this.#triesLeft = triesInARow;
    this.#untilTry = this.#triesAfter;
  }

  async #sync(): Promise<void> {
    if (this.#isSyncing || this.#verdicts.length === 0) {
      if (!this.#isSyncing) this.#endIfIdle();
      return;
    }
    this.#isSyncing = true;
    try {
      while (this.#verdicts.length > 0) {
        const last = this.#verdicts.at(-1)!.after;
        if (last > this.#engine.durable) {
          this.#engine.settle(this.#syncsHere() ? this.#syncHere() : await this.#syncElsewhere());
        }
        this.#giveVerdicts();
      }
    } catch (error) {
      this.#lose(error);
    } finally {
      this.#isSyncing = false;
      this.#endIfIdle();
    }
  }

  #endIfIdle(): void {
    if (this.#waiting.length === 0 && this.#verdicts.length === 0) this.#idle?.();
  }

  /** The disk did not take what it was given. It must not be asked again: the next sync could say yes and lose it. */
  #lose(error: unknown): void {
    this.#poison(error);
    for (const { reject } of this.#verdicts.splice(0)) reject(unknown(error));
  }

  #giveVerdicts(): void {
    const { durable } = this.#engine;
    let given = 0;
    for (const { after, outcome, answer, resolve, reject } of this.#verdicts) {
      if (after > durable) break;
      if (outcome === 'done') resolve(answer as never); // `run` made the promise and the change together.
      else reject(answer);
      given += 1;
    }
    this.#verdicts.splice(0, given);
  }

  /** No more changes: the log is open for reading only from now on. */
  #poison(cause: unknown): void {
    this.#closed = new StoreClosed(`The store at ${this.#path} was closed for writing by an I/O error.`, { cause });
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closed);
  }
}

/** A measure that follows what was measured last. */
function lately(before: number, now: number): number {
  return before === 0 || before === Infinity ? now : before * 0.9 + now * 0.1;
}

function unknown(cause: unknown): UnknownOutcome {
  return new UnknownOutcome('The disk did not confirm the append.', { cause });
}
