import { InvalidOption } from '../store/errors.ts';
import type { EventSource } from '../store/event-source.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { StreamName } from '../store/stream-name.ts';
import { failureKind, type FailureKind } from './failures.ts';
import { checkConsumerName, checkpointStreamOf } from './names.ts';
import type { OnceOptions, OnceResult } from './once.ts';
import { defaultFreshnessMs, defaultHeartbeatMs } from './status.ts';

/** A stream to follow: with the decoding of its events, or by its name alone. */
export type Source = EventSource<unknown> | StreamName;

/** What `from` takes: one source, or several that are merged in the order of the log. */
export type Sources = Source | readonly Source[];

/** The events that sources give. A stream by its name gives them as they were recorded. */
export type EventFrom<From> =
  From extends EventSource<infer Event>
    ? Event
    : From extends readonly (infer Each)[]
      ? EventFrom<Each>
      : From extends string
        ? RecordedEvent
        : never;

/**
 * Where a consumer begins that nobody has run before: with the first event, with what comes from now on, after a
 * number of its only source, or at a time.
 */
export type StartAt = 'beginning' | 'now' | bigint | Date;

/** What a consumer does with an event that fails. */
export interface RetryPolicy {
  /** Tries before it gives up. Default: 10. */
  readonly attempts?: number | undefined;
  /**
   * And then: `halt`, the consumer fails and waits for a person; or `park-stream`, the event and the later ones of its
   * stream are set aside, and all other streams go on. Default: `halt`.
   */
  readonly then?: 'halt' | 'park-stream' | undefined;
  /** Before the second try. It doubles each time. Default: 100. */
  readonly firstMs?: number | undefined;
  /** Default: 30,000. */
  readonly mostMs?: number | undefined;
}

/** What a handler can know and use. */
export interface HandlerContext {
  readonly consumer: string;
  /** As it was recorded. */
  readonly event: RecordedEvent;
  /** 1 for the first try. */
  readonly attempt: number;
  /** The same at every try, and for no other event: what is done under this key can be recognised outside. */
  readonly key: string;
  /** Aborts when the handler has taken too long, or the consumer stops and cannot wait any more. */
  readonly signal: AbortSignal;
  /** Does an effect once for its key, and gives what it gave the first time. What it gives must be JSON. */
  readonly once: <Result>(options: OnceOptions, effect: () => Result | Promise<Result>) => Promise<OnceResult<Result>>;
}

/** An effect that `handle` asks for and `interpret` does. */
export interface EffectOf<Kind extends string = string> {
  readonly kind: Kind;
}

/** One function for all effects, or one for each kind. */
export type Interpret<Effect extends EffectOf> =
  | ((effect: Effect, context: HandlerContext) => unknown)
  | {
      readonly [Kind in Effect['kind']]: (effect: Extract<Effect, EffectOf<Kind>>, context: HandlerContext) => unknown;
    };

interface Common<From extends Sources, Event> {
  readonly from: From;
  /** Needed for a name that nobody has run before; afterwards the checkpoint says where to go on. */
  readonly startAt?: StartAt | undefined;
  /** Events may wait for so long before somebody is told. Default: 60,000. */
  readonly freshnessMs?: number | undefined;
  /** It says that it is alive so often. Default: 10,000. */
  readonly heartbeatMs?: number | undefined;
  readonly retry?: RetryPolicy | undefined;
  /** How errors are told apart, where it knows better than `failureKind`. `undefined` leaves it to that. */
  readonly classify?: ((error: unknown) => FailureKind | undefined) | undefined;
  /** A handler that takes longer has failed. Default: 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Of the service: stands in checkpoints and status. */
  readonly version?: string | undefined;
  /** The event as the handler wants it; `undefined` passes it over. After what the source decodes. Default: as it is. */
  readonly decode?: ((event: EventFrom<From>) => Event | undefined | Promise<Event | undefined>) | undefined;
}

/** A consumer that takes one event at a time. */
export interface ConsumerOptions<From extends Sources, Event, Effect extends EffectOf> extends Common<From, Event> {
  /**
   * Events of different streams that are handled at once. Those of one stream never are. Default: 1, and then, unless
   * it parks, everything is handled in the order of the log.
   */
  readonly concurrency?: number | undefined;
  /** Says which effects should happen, or makes them happen itself. */
  readonly handle: (
    event: Event,
    context: HandlerContext,
    // oxlint-disable-next-line typescript/no-invalid-void-type -- A handler that only does something returns nothing.
  ) => readonly Effect[] | undefined | void | Promise<readonly Effect[] | undefined | void>;
  /** Makes effects happen, one after the other. */
  readonly interpret?: Interpret<Effect> | undefined;
}

/** A consumer that takes many events at a time. */
export interface BatchConsumerOptions<From extends Sources, Event> extends Common<From, Event> {
  /** Events in a batch at most. */
  readonly batch: number;
  /** Handles them in their order. When it fails, each is handled alone, so that one bad event is found. */
  readonly handleBatch: (events: readonly Event[], context: BatchContext) => unknown;
}

/** What a batch handler can know. */
export interface BatchContext {
  readonly consumer: string;
  readonly signal: AbortSignal;
}

/** A name, sources, and what happens with their events. Run it with `runConsumer`. */
export interface Consumer {
  readonly name: string;
  readonly sources: readonly EventSource<unknown>[];
  readonly startAt: StartAt | undefined;
  readonly freshnessMs: number;
  readonly heartbeatMs: number;
  readonly timeoutMs: number;
  readonly version: string | undefined;
  readonly retry: Required<{ [Key in keyof RetryPolicy]: Exclude<RetryPolicy[Key], undefined> }>;
  readonly concurrency: number;
  /** 1 unless it takes batches. */
  readonly batch: number;
  classify(error: unknown): FailureKind;
  decode(event: RecordedEvent, source: number): Promise<unknown>;
  /** Handles an event, or several when it takes batches: effects included. */
  handle(events: readonly unknown[], contexts: readonly [HandlerContext, ...HandlerContext[]]): Promise<void>;
  /**
   * The same consumer, whose effects somebody else interprets: for rehearsals, where none may happen. Absent when it has
   * no `interpret`: then its handler does things itself, and nobody can keep it from doing so.
   */
  readonly withInterpret?:
    | ((interpret: (effect: EffectOf, context: HandlerContext) => unknown) => Consumer)
    | undefined;
}

/**
 * A consumer of a name: decode, handle, interpret. The checkpoint moves when all three are done.
 *
 * @throws InvalidOption when the name, the sources or a number mean nothing.
 */
export function consumer<const From extends Sources, Event = EventFrom<From>, Effect extends EffectOf = EffectOf>(
  name: string,
  options: ConsumerOptions<From, Event, Effect> | BatchConsumerOptions<From, Event>,
): Consumer {
  checkConsumerName(name);
  const sources = sourcesOf(options.from);
  checkSources(name, sources, options.startAt);
  const { freshnessMs = defaultFreshnessMs, heartbeatMs = defaultHeartbeatMs, timeoutMs = 60_000 } = options;
  const { attempts = 10, then = 'halt', firstMs = 100, mostMs = 30_000 } = options.retry ?? {};
  const concurrency = ('concurrency' in options ? options.concurrency : undefined) ?? 1;
  const batch = 'handleBatch' in options ? options.batch : 1;
  const numbers = { freshnessMs, heartbeatMs, timeoutMs, attempts, firstMs, mostMs, concurrency, batch };
  for (const [option, value] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new InvalidOption(option, `${value} is no whole number from 1 on`);
  }
  const handler = handlerOf(options);
  return {
    name,
    sources,
    startAt: options.startAt,
    freshnessMs,
    heartbeatMs,
    timeoutMs,
    concurrency,
    batch,
    version: options.version,
    retry: { attempts, then, firstMs, mostMs },
    classify: (error) => options.classify?.(error) ?? failureKind(error),
    async decode(event, source) {
      const decoded = await sources[source]?.decode(event);
      if (decoded === undefined || options.decode === undefined) return decoded;
      return options.decode(decoded as EventFrom<From>); // What its source gave.
    },
    handle: (events, contexts) => handler(events as readonly Event[], contexts), // What `decode` gave.
    withInterpret:
      'interpret' in options && options.interpret !== undefined
        ? (interpret) => consumer(name, { ...options, interpret })
        : undefined,
  };
}

function handlerOf<From extends Sources, Event, Effect extends EffectOf>(
  options: ConsumerOptions<From, Event, Effect> | BatchConsumerOptions<From, Event>,
): (events: readonly Event[], contexts: readonly [HandlerContext, ...HandlerContext[]]) => Promise<void> {
  if ('handleBatch' in options) {
    return async (events, [context]) => void (await options.handleBatch(events, context));
  }
  const { handle, interpret } = options;
  return async ([event], [context]) => {
    const effects = (await handle(event as Event, context)) ?? []; // One event at a time.
    for (const effect of effects) await interpretOne(interpret, effect, context);
  };
}

async function interpretOne<Effect extends EffectOf>(
  interpret: Interpret<Effect> | undefined,
  effect: Effect,
  context: HandlerContext,
): Promise<void> {
  context.signal.throwIfAborted();
  if (typeof interpret === 'function') {
    await interpret(effect, context);
    return;
  }
  const byKind = interpret as
    | Readonly<Record<string, (effect: Effect, context: HandlerContext) => unknown>>
    | undefined;
  const one = byKind?.[effect.kind];
  if (one === undefined) throw new InvalidOption('interpret', `nothing interprets the effect ${effect.kind}`);
  await one(effect, context);
}

function sourcesOf(from: Sources): readonly EventSource<unknown>[] {
  const list: readonly Source[] = Array.isArray(from) ? from : [from as Source]; // The other case of the union.
  return list.map((source) => (typeof source === 'string' ? { stream: source, decode: (event) => event } : source));
}

function checkSources(name: string, sources: readonly EventSource<unknown>[], startAt: StartAt | undefined): void {
  if (sources.length === 0) throw new InvalidOption('from', 'a consumer follows at least one stream');
  const streams = new Map<string, string>();
  for (const { stream } of sources) {
    const checkpoints = checkpointStreamOf(stream, name);
    const other = streams.get(checkpoints);
    if (other !== undefined) {
      throw new InvalidOption('from', `${other} and ${stream} would have the same checkpoint stream, ${checkpoints}`);
    }
    streams.set(checkpoints, stream);
  }
  if (typeof startAt === 'bigint' && sources.length > 1) {
    throw new InvalidOption('startAt', 'a number means something in one source only: give a time, or set checkpoints');
  }
  if (startAt instanceof Date && !Number.isFinite(startAt.getTime()))
    throw new InvalidOption('startAt', 'it is no time');
}
