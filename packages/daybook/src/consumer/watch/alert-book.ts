import type { RecordedEvent } from '../../store/event.ts';
import { fieldsOf, textIn } from '../journal.ts';
import type { AlertRule, Condition } from './rules.ts';
import { asking, aboutWhoSaysPlaces } from './sight.ts';

/** Something that people were told of, and that is not over before it is resolved. */
export interface Alert extends Condition {
  readonly id: string;
  readonly raisedAt: Date;
  readonly resolvedAt?: Date | undefined;
  /** When a watch that sees it has said for the last time that it goes on. Absent: nobody has yet. */
  readonly confirmedAt?: Date | undefined;
}

/** What is new about an alert. */
export interface Notice {
  readonly kind: 'raised' | 'resolved' | 'still-firing';
  readonly alert: Alert;
}

/** What a look can judge: the consumers that it saw, and what it looked at each with. */
export type Sight = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * An alert that no watch has confirmed for a day is over, such as one about a consumer that nobody expects since. Whoever
 * does see what it is about raises it anew.
 */
const forgottenAfterMs = 86_400_000;

/** Who sees an alert that goes on confirms it so often: twice before others forget it. */
const confirmedAfterMs = forgottenAfterMs / 2;

/** Which alerts fire. Says each once, however often it is looked at, and notes what others have raised. */
export class AlertBook {
  /** By id: watches that see different things may each have raised one under the same key. */
  readonly #firing = new Map<string, Alert>();
  /** Since when conditions hold that have not held for long enough. */
  readonly #pending = new Map<string, number>();
  readonly #pendingForMs: number;

  constructor(pendingForMs: number) {
    this.#pendingForMs = pendingForMs;
  }

  get firing(): readonly Alert[] {
    return [...this.#firing.values()];
  }

  /**
   * What is to be raised or resolved, from all that is wrong now. What this look cannot judge is left to those who raised
   * it: they expect other consumers, ask databases, or have other limits. Nothing changes before `note`.
   */
  decide(conditions: readonly Condition[], { sight, nowMs }: { sight: Sight; nowMs: number }): readonly Notice[] {
    const holding = new Set(conditions.map(({ key }) => key));
    for (const key of this.#pending.keys()) if (!holding.has(key)) this.#pending.delete(key);
    const raised = conditions
      .filter((condition) => this.#isDue(condition, sight, nowMs))
      .map((condition): Notice => {
        const alert = { ...condition, id: crypto.randomUUID(), raisedAt: new Date(nowMs) };
        return { kind: 'raised', alert };
      });
    const resolved = this.firing
      .filter((alert) => !holding.has(alert.key) && isForUs(alert, sight, nowMs))
      .map((alert): Notice => ({ kind: 'resolved', alert: { ...alert, resolvedAt: new Date(nowMs) } }));
    return [...raised, ...resolved];
  }

  /** Alerts that go on, and that nobody has confirmed for long. Others, that cannot see it, are to know. */
  unconfirmed(conditions: readonly Condition[], { sight, nowMs }: { sight: Sight; nowMs: number }): readonly Alert[] {
    return this.firing
      .filter((alert) => unconfirmedMs(alert, nowMs) >= confirmedAfterMs)
      .filter((alert) => conditions.some((each) => each.key === alert.key && tellsOf(alert, each, sight)))
      .map((alert) => ({ ...alert, confirmedAt: new Date(nowMs) }));
  }

  /** Notes that an alert goes on. */
  confirm(alert: Alert): void {
    this.#firing.set(alert.id, alert);
  }

  /** Notes that people are being told. */
  note({ kind, alert }: Notice): void {
    this.#pending.delete(alert.key);
    if (kind === 'resolved') this.#firing.delete(alert.id);
    else this.#firing.set(alert.id, alert);
  }

  /** Notes what stands in the stream of alerts. */
  add(event: RecordedEvent): void {
    const alert = alertIn(event);
    if (event.type === 'AlertRaised') this.#firing.set(alert.id, alert);
    if (event.type === 'AlertConfirmed') this.confirm({ ...alert, confirmedAt: event.created });
    if (event.type === 'AlertResolved') this.#firing.delete(alert.id);
  }

  #isDue(condition: Condition, sight: Sight, nowMs: number): boolean {
    const { key } = condition;
    if (this.firing.some((alert) => alert.key === key && tellsOf(alert, condition, sight))) return false;
    const since = this.#pending.get(key) ?? nowMs;
    this.#pending.set(key, since);
    return nowMs - since >= this.#pendingForMs;
  }
}

function unconfirmedMs({ raisedAt, confirmedAt = raisedAt }: Alert, nowMs: number): number {
  return nowMs - confirmedAt.getTime();
}

function isForUs(alert: Alert, sight: Sight, nowMs: number): boolean {
  const { consumer, needs = [] } = alert;
  if (consumer === undefined || unconfirmedMs(alert, nowMs) >= forgottenAfterMs) return true;
  const looked = sight.get(consumer);
  return looked !== undefined && needs.every((need) => looked.has(need));
}

/**
 * Whether an alert tells of a condition under its key already. One that this look cannot judge may be left over from a
 * watch that is gone, and would hide what is new: it tells only of what differs in nothing but who says the places.
 */
function tellsOf({ consumer = '', needs = [], rule }: Alert, condition: Condition, sight: Sight): boolean {
  const looked = sight.get(consumer);
  if (looked === undefined) return true;
  const saysTheSame = rule === condition.rule || looked.has(asking);
  return needs.every((need) => looked.has(need) || (saysTheSame && aboutWhoSaysPlaces.has(need)));
}

function alertIn(event: RecordedEvent): Alert {
  const fields = fieldsOf(event);
  const { facts, needs } = fields;
  return {
    id: textIn(fields, 'id') ?? event.id,
    key: textIn(fields, 'key') ?? '',
    rule: (textIn(fields, 'rule') ?? 'watch-failed') as AlertRule, // Written by a watch.
    consumer: textIn(fields, 'consumer'),
    severity: fields['severity'] === 'warning' ? 'warning' : 'critical',
    summary: textIn(fields, 'summary') ?? '',
    facts: typeof facts === 'object' && facts !== null ? { ...facts } : {},
    needs: Array.isArray(needs) ? needs.map(String) : [],
    raisedAt: new Date(textIn(fields, 'raisedAt') ?? event.created),
  };
}
