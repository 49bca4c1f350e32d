import { channel } from 'node:diagnostics_channel';

import type { EventStore } from '../../store/event-store.ts';
import { revision, type Revision } from '../../store/position.ts';
import { systemClock, type Clock } from '../clock.ts';
import { errorText, isConflict } from '../failures.ts';
import { appendTo } from '../journal.ts';
import { alertsStream } from '../names.ts';
import { AlertBook, type Alert, type Notice } from './alert-book.ts';
import { lookAtConsumers, type ConsumerLook, type ExpectedConsumer } from './look-at-consumers.ts';
import { Outbox } from './outbox.ts';
import { conditionsOf, type Condition, type RuleOptions } from './rules.ts';
import { sightOf } from './sight.ts';
import type { AlertTarget } from './targets.ts';

export interface WatchOptions extends RuleOptions {
  /** Where alerts go, besides the stream `$alerts`. Default: nowhere else. */
  readonly targets?: readonly AlertTarget[] | undefined;
  /**
   * Consumers that have to be there, even if nobody has ever run them. Definitions will do. Give what `expectReadModel`
   * makes for a read model: then its database is asked, too.
   */
  readonly expect?: readonly ExpectedConsumer[] | undefined;
  /** Looks so often. Default: 5,000. */
  readonly everyMs?: number | undefined;
  /** What is wrong has to be so for so long before somebody is told. Default: 0. */
  readonly pendingForMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
}

/** What a look has found. */
export interface WatchReport {
  readonly consumers: readonly ConsumerLook[];
  /** Alerts that are not over. */
  readonly firing: readonly Alert[];
  /** What was new, and went to the targets. */
  readonly notices: readonly Notice[];
  /** Why the look, or a target, failed. */
  readonly problems: readonly unknown[];
}

const reports = channel('daybook:watch');

/** A watch that goes on. Dispose of it to end it. */
export interface ConsumerWatch extends AsyncDisposable {
  /** Looks now, and tells what is new. */
  look(): Promise<WatchReport>;
  /** Resolves when the watch has ended. */
  readonly done: Promise<void>;
}

/** Events of the stream of alerts that are kept. */
const keptAlerts = 10_000;

/**
 * Watches every consumer, and read model, from the log, and from the databases that it is given: whether its process is
 * there, hangs, or never was. Alerts are raised once, and resolved. Several watches on one store raise each alert once
 * between them, and each is resolved by one that can see what it is about. What each look has
 * found is published on the diagnostics channel `daybook:watch`, problems with targets included.
 */
export function watchConsumers(store: EventStore, options: WatchOptions = {}): ConsumerWatch {
  const watch = new Watch(store, options);
  watch.begin();
  return watch;
}

/** A look, and what went wrong with telling people of it, when they are told. */
interface Looked {
  readonly report: WatchReport;
  readonly told: Promise<readonly unknown[]>;
}

class Watch implements ConsumerWatch {
  readonly #store: EventStore;
  readonly #options: WatchOptions;
  readonly #clock: Clock;
  #book: AlertBook;
  /** Which log the book is about. */
  #log: string | undefined;
  readonly #stopping = new AbortController();
  readonly #signal: AbortSignal;
  readonly #outboxes: readonly Outbox[];
  #done: Promise<void> = Promise.resolve();
  #looking: Promise<unknown> = Promise.resolve();
  /** What went wrong with targets since the last report that was published. */
  #undelivered: unknown[] = [];
  #lastAlert: Revision | undefined;
  #hasLooked = false;

  constructor(store: EventStore, options: WatchOptions) {
    const { signal, clock = systemClock, pendingForMs = 0, targets = [] } = options;
    this.#store = store;
    this.#options = options;
    this.#clock = clock;
    this.#book = new AlertBook(pendingForMs);
    this.#signal = signal === undefined ? this.#stopping.signal : AbortSignal.any([signal, this.#stopping.signal]);
    const outboxOptions = {
      clock,
      signal: this.#signal,
      onProblem: (problem: unknown) => void this.#undelivered.push(problem),
    };
    this.#outboxes = targets.map((target) => new Outbox(target, outboxOptions));
  }

  get done(): Promise<void> {
    return this.#done;
  }

  begin(): void {
    this.#done = this.#watch();
  }

  async look(): Promise<WatchReport> {
    const { report, told } = await this.#lookInTurn();
    const problems = await told;
    return { ...report, problems: [...report.problems, ...problems] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  async #watch(): Promise<void> {
    const { everyMs = 5_000 } = this.#options;
    while (!this.#signal.aborted) {
      const { report, told } = await this.#lookInTurn();
      const slept = this.#clock.sleep(everyMs, this.#signal).catch(() => {}); // It ends.
      await Promise.race([told, slept]); // A target that does not answer keeps nobody from looking.
      const undelivered = this.#undelivered.splice(0);
      if (reports.hasSubscribers) reports.publish({ ...report, problems: [...report.problems, ...undelivered] });
      await slept;
    }
  }

  #lookInTurn(): Promise<Looked> {
    const looking = this.#looking.then(() => this.#look());
    this.#looking = looking;
    return looking;
  }

  async #look(): Promise<Looked> {
    const nowMs = this.#clock.now();
    const problems: unknown[] = [];
    let consumers: readonly ConsumerLook[] = [];
    let notices: readonly Notice[] = [];
    try {
      await this.#readAlerts();
      consumers = await lookAtConsumers(this.#store, { nowMs, expect: this.#options.expect });
      const conditions = consumers.flatMap((look) => conditionsOf(look, this.#options, nowMs));
      const sight = new Map(consumers.map((look) => [look.consumer, sightOf(look, this.#options)]));
      notices = await this.#record(this.#book.decide(conditions, { sight, nowMs }));
      await this.#confirm(this.#book.unconfirmed(conditions, { sight, nowMs }));
    } catch (error) {
      problems.push(error);
      // What fires goes on: nobody knows whether it is over.
      notices = this.#book.decide([...this.#book.firing, blindness(error)], { sight: new Map(), nowMs });
      for (const notice of notices) this.#book.note(notice);
    }
    const { firing } = this.#book;
    const telling = this.#outboxes.map((outbox) => outbox.tell(notices, firing));
    const told = Promise.all(telling).then((failed) => failed.flat());
    return { report: { consumers, firing, notices, problems }, told };
  }

  /** Notes what other watches, or this one before a restart, have raised. */
  async #readAlerts(): Promise<void> {
    await this.#beginAnewIfRestored();
    const from = this.#lastAlert === undefined ? 'start' : revision(this.#lastAlert + 1n);
    for await (const event of this.#store.readStream(alertsStream, { from })) {
      this.#book.add(event);
      this.#lastAlert = event.revision;
    }
    // What another watch raises from now on, it tells people. What fired before this one began, perhaps nobody did.
    if (this.#hasLooked) for (const outbox of this.#outboxes) outbox.leaveToOthers(this.#book.firing);
    this.#hasLooked = true;
  }

  /** After the log was restored, the stream of alerts may end before what this watch has read: all of it is read anew. */
  async #beginAnewIfRestored(): Promise<void> {
    const { logId = '', epoch = 0 } = await this.#store.head();
    const log = `${logId} ${epoch}`;
    const { revision: end = -1n } = await this.#store.streamState(alertsStream);
    if ((this.#log !== undefined && this.#log !== log) || end < (this.#lastAlert ?? -1n)) {
      this.#book = new AlertBook(this.#options.pendingForMs ?? 0);
      this.#lastAlert = undefined;
    }
    this.#log = log;
  }

  /** Puts notices into the stream of alerts. Those that another watch was faster with are left out: it tells people. */
  async #record(notices: readonly Notice[]): Promise<readonly Notice[]> {
    const recorded: Notice[] = [];
    for (const notice of notices) {
      const { kind, alert } = notice;
      const type = kind === 'resolved' ? 'AlertResolved' : 'AlertRaised';
      if (alert.rule !== 'watch-failed' && !(await this.#append(type, alert))) break;
      this.#book.note(notice);
      recorded.push(notice);
    }
    return recorded;
  }

  /** Lets watches that cannot see these alerts know that they go on. People are told nothing. */
  async #confirm(alerts: readonly Alert[]): Promise<void> {
    for (const alert of alerts) {
      if (!(await this.#append('AlertConfirmed', alert))) return;
      this.#book.confirm(alert);
    }
  }

  async #append(type: 'AlertRaised' | 'AlertConfirmed' | 'AlertResolved', alert: Alert): Promise<boolean> {
    const journal = { stream: alertsStream, keepEvents: keptAlerts };
    try {
      const expected = this.#lastAlert ?? 'no-stream';
      const appended = await appendTo(this.#store, journal, { type, data: alert, expected });
      this.#lastAlert = appended.revision;
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  }
}

function blindness(error: unknown): Condition {
  return {
    key: 'watch/store',
    rule: 'watch-failed',
    consumer: undefined,
    severity: 'critical',
    summary: `The consumers cannot be watched: ${errorText(error)}`,
    facts: { error: errorText(error) },
  };
}
