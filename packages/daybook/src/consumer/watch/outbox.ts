import type { Clock } from '../clock.ts';
import type { Alert, Notice } from './alert-book.ts';
import type { AlertTarget } from './targets.ts';

/** Notices that wait for a target that does not answer. Older ones are left out. */
const outboxNotices = 1_000;

interface OutboxOptions {
  readonly clock: Clock;
  /** Ends what is under way. What is left then is not sent. */
  readonly signal: AbortSignal;
  readonly onProblem: (problem: unknown) => void;
}

/** What a target is still to be told, and when it was told of each alert for the last time. */
export class Outbox {
  readonly #target: AlertTarget;
  readonly #options: OutboxOptions;
  readonly #notices = new Set<Notice>();
  readonly #sentMs = new Map<string, number>();
  #sending: Promise<readonly unknown[]> | undefined;

  constructor(target: AlertTarget, options: OutboxOptions) {
    this.#target = target;
    this.#options = options;
  }

  /** Leaves alerts that it has not told of to those who raised them. */
  leaveToOthers(alerts: readonly Alert[]): void {
    const nowMs = this.#options.clock.now();
    for (const { id } of alerts) if (!this.#sentMs.has(id)) this.#sentMs.set(id, nowMs);
  }

  /** Sends what is new, what did not arrive before, and what goes on for long. Gives what went wrong. */
  tell(notices: readonly Notice[], firing: readonly Alert[]): Promise<readonly unknown[]> {
    for (const notice of notices) this.#notices.add(notice);
    for (const notice of this.#repeated(firing)) this.#notices.add(notice);
    const tooMany = this.#notices.size - outboxNotices;
    if (tooMany > 0) for (const notice of [...this.#notices].slice(0, tooMany)) this.#notices.delete(notice);
    // Whoever sends already comes to what was added.
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #send(): Promise<readonly unknown[]> {
    const { clock, signal, onProblem } = this.#options;
    const problems: unknown[] = [];
    for (const notice of this.#notices) {
      if (signal.aborted) break;
      try {
        await unlessAborted(this.#target.send(notice, signal), signal);
        this.#notices.delete(notice);
        this.#sentMs.set(notice.alert.id, clock.now());
      } catch (error) {
        if (signal.aborted) break;
        problems.push(error);
        onProblem(error);
      }
    }
    return problems;
  }

  /** Alerts that the target is to hear of once more, or, right after the beginning, for the first time from this watch. */
  #repeated(firing: readonly Alert[]): readonly Notice[] {
    const { repeatMs = Infinity } = this.#target;
    const nowMs = this.#options.clock.now();
    const underWay = new Set([...this.#notices].map(({ alert }) => alert.id));
    return firing
      .filter(({ id }) => !underWay.has(id) && nowMs - (this.#sentMs.get(id) ?? -Infinity) >= repeatMs)
      .map((alert) => ({ kind: 'still-firing', alert }));
  }
}

/** Waits no longer than until the abort, also for a target that does not look at it. */
async function unlessAborted(sending: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([sending, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
