/** What is done to whatever is played, in a process of its own. */
export type Fault =
  | { readonly kind: 'none' }
  /** The process kills itself: of a read model at a statement, of a consumer when it has handled an event. */
  | { readonly kind: 'kill'; readonly at: number }
  /** The handler never comes back. */
  | { readonly kind: 'hang'; readonly at: number }
  /** The whole process is stopped (SIGSTOP) in the middle of a handler, until somebody wakes it. */
  | { readonly kind: 'sleep'; readonly at: number }
  /** The handler fails at this event, however often it is tried. */
  | { readonly kind: 'fail'; readonly at: number }
  /** The database refuses every connection for a while. */
  | { readonly kind: 'unreachable'; readonly at: number; readonly forMs: number }
  /** The clock goes wrong from the beginning, and jumps at an event. */
  | { readonly kind: 'clock'; readonly at: number; readonly offsetMs: number; readonly jumpMs: number };

/** What a process of a game day is to play. It goes over the command line, as JSON. */
export interface Plan {
  readonly config: string;
  readonly kind: 'read-model' | 'consumer';
  /** The name of the read model, or of the consumer. */
  readonly name: string;
  /** The copy of the log. */
  readonly log: string;
  /** The SQLite database for the tables, unless the config opens a scratch database. */
  readonly tables: string;
  /** What a consumer has handled, a line for each event. */
  readonly deliveries: string;
  /** Whether a consumer may do everything it does. */
  readonly effects: 'recorded' | 'real';
  readonly fault: Fault;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
}

/** An event, as people write it. */
export interface EventName {
  readonly type: string;
  readonly stream: string;
  readonly revision: string;
}

/** What the process says. */
export type Said =
  /** It runs. */
  | { readonly kind: 'ready' }
  /** The fault begins, at this event. */
  | { readonly kind: 'fault'; readonly event: EventName | undefined }
  /** The fault is over. */
  | { readonly kind: 'over' }
  /** It stops as a whole now, as it was told: it does nothing any more before it is waked. */
  | { readonly kind: 'stopping' }
  /** Everything that was in the log is handled. */
  | { readonly kind: 'reached'; readonly handled: number; readonly statements: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly event: EventName | undefined };

/** What the process is told: handle everything that is in the log now; stop as a whole; end. */
export type Told = 'reach' | 'stop' | 'end';

/** One scenario of `gameday` in `daybook/testing/read-model`, in a process of its own: a lost promise ends it. */
export interface Rehearsal {
  readonly config: string;
  readonly name: string;
  readonly log: string;
  readonly scenario: 'again' | 'other-batches' | 'fail-at-statement' | 'other-order' | 'twice';
}

/** An hour of an outage takes 36 s here: everything that waits does so for a hundredth of the time. */
export const pace = {
  heartbeatMs: 100,
  freshnessMs: 600,
  leaseMs: 5_000,
  firstDelayMs: 1,
  longestDelayMs: 300,
  handlerTimeoutMs: 600,
  retryingMs: 250,
  outageMs: 3_000,
} as const;

/** Somebody is told after this time at the latest: what events may wait for, and 5 s for a machine that is busy. */
export const alertBudgetMs: number = pace.freshnessMs + 5_000;

/** What has to be put right is so after this time at the latest. */
export const repairBudgetMs = 60_000;
