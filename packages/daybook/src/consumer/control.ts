import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { Revision } from '../store/position.ts';
import { appendTo, fieldsOf, numberIn, textIn } from './journal.ts';
import { checkConsumerName, controlStreamOf } from './names.ts';

/** Who wants something, and why. Both are kept. */
export interface Reason {
  readonly who: string;
  readonly why: string;
}

/** What a person asks a consumer, or a read model, to do. */
export type Control = Reason &
  (
    | { readonly kind: 'pause'; readonly until: Date }
    | { readonly kind: 'resume' }
    /** Go on after these numbers. */
    | { readonly kind: 'rewind'; readonly places: readonly { readonly source: string; readonly pos: bigint }[] }
    /** Try again what failed, or what is parked: of one stream, or of all. */
    | { readonly kind: 'retry'; readonly stream?: string | undefined }
    /** Leave out an event that is parked, or that the consumer failed at. */
    | { readonly kind: 'skip'; readonly stream: string; readonly eventId: string }
  );

/** A control as it was recorded. */
export type RecordedControl = Control & { readonly revision: Revision; readonly created: Date };

/** Controls that are kept. */
const keptControls = 1_000;

/** A pause lasts at most so long: one that is forgotten ends by itself. */
export const longestPauseMs: number = 30 * 24 * 3_600_000;

const types = {
  pause: 'PauseRequested',
  resume: 'ResumeRequested',
  rewind: 'RewindRequested',
  retry: 'RetryRequested',
  skip: 'SkipRequested',
} as const;

/**
 * Asks a consumer to do something. It is told at once when it runs, and otherwise when it begins to.
 *
 * @throws InvalidOption when nobody, or no reason, is named, or a pause has no end within 30 days.
 */
export async function requestControl(store: EventStore, consumer: string, control: Control): Promise<void> {
  checkConsumerName(consumer);
  const { kind, who, why } = control;
  if (who.trim() === '') throw new InvalidOption('who', 'say who you are');
  if (why.trim() === '') throw new InvalidOption('why', 'say why, for those who come after');
  if (kind === 'pause') checkPause(control.until);
  const journal = { stream: controlStreamOf(consumer), keepEvents: keptControls };
  await appendTo(store, journal, { type: types[kind], data: dataOf(control), expected: 'any' });
}

/** What a consumer was asked to do, from the beginning on as far as it is kept. Other events are passed over. */
export async function readControls(store: EventStore, consumer: string): Promise<readonly RecordedControl[]> {
  const controls: RecordedControl[] = [];
  for await (const event of store.readStream(controlStreamOf(consumer))) {
    const control = controlIn(event);
    if (control !== undefined) controls.push(control);
  }
  return controls;
}

/** What a consumer is asked to do from now on, or after a revision. Ends by throwing when `signal` aborts. */
export async function* followControls(
  store: EventStore,
  consumer: string,
  { after, signal }: { readonly after: Revision | 'start'; readonly signal: AbortSignal },
): AsyncGenerator<RecordedControl, void, undefined> {
  for await (const message of store.subscribeToStream(controlStreamOf(consumer), { after, signal })) {
    const control = message.kind === 'event' ? controlIn(message.event) : undefined;
    if (control !== undefined) yield control;
  }
}

/** The pause that holds at a time, if one does: the last one, unless it was resumed or is over. */
export function pauseIn(
  controls: readonly RecordedControl[],
  nowMs: number,
): (RecordedControl & { readonly kind: 'pause' }) | undefined {
  const last = controls.findLast(({ kind }) => kind === 'pause' || kind === 'resume');
  return last?.kind === 'pause' && last.until.getTime() > nowMs ? last : undefined;
}

function checkPause(until: Date): void {
  const ms = until.getTime();
  if (!Number.isFinite(ms)) throw new InvalidOption('until', 'a pause says when it ends');
  if (ms > Date.now() + longestPauseMs) throw new InvalidOption('until', 'a pause ends within 30 days');
}

function dataOf(control: Control): unknown {
  const { kind: _, ...data } = control;
  if (control.kind !== 'rewind') return data;
  return { ...data, places: control.places.map(({ source, pos }) => ({ source, pos: Number(pos) })) };
}

function controlIn(event: RecordedEvent): RecordedControl | undefined {
  const fields = fieldsOf(event);
  const common = {
    who: textIn(fields, 'who') ?? 'somebody',
    why: textIn(fields, 'why') ?? '',
    revision: event.revision,
    created: event.created,
  };
  switch (event.type) {
    case types.pause: {
      const until = new Date(textIn(fields, 'until') ?? Number.NaN);
      // A pause without an end would be one that can be forgotten.
      return Number.isFinite(until.getTime()) ? { ...common, kind: 'pause', until } : undefined;
    }
    case types.resume:
      return { ...common, kind: 'resume' };
    case types.rewind:
      return { ...common, kind: 'rewind', places: placesIn(fields['places']) };
    case types.retry:
      return { ...common, kind: 'retry', stream: textIn(fields, 'stream') };
    case types.skip:
      return {
        ...common,
        kind: 'skip',
        stream: textIn(fields, 'stream') ?? '',
        eventId: textIn(fields, 'eventId') ?? '',
      };
    default:
      return undefined;
  }
}

function placesIn(value: unknown): readonly { readonly source: string; readonly pos: bigint }[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown) => {
    const fields = typeof each === 'object' && each !== null ? { ...each } : {};
    const source = textIn(fields, 'source');
    const pos = numberIn(fields, 'pos');
    return source === undefined || pos === undefined || !Number.isSafeInteger(pos)
      ? []
      : [{ source, pos: BigInt(pos) }];
  });
}
