import { setTimeout } from 'node:timers/promises';

import { currentCause } from '../internal/cause.ts';
import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import { revision, type Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { commandHash } from './command-hash.ts';
import { checkedCommandId, eventIdOf, keyedEventId } from './command-id.ts';
import { checkNamed, type Command, type Decision } from './command.ts';
import { encodeEvent, type EncodedEvent } from './encode.ts';
import { InvalidCommandInput, TooManyConflicts } from './errors.ts';
import { streamOf, type DomainEvent, type Schemas } from './events.ts';
import {
  attemptIdKey,
  commandHashKey,
  commandIdKey,
  findEvent,
  firstResult,
  type CommandIdentity,
} from './first-result.ts';
import type { Handled, HandledEvents } from './handled.ts';
import { inLine, isLineAt } from './line.ts';
import { checkCache, loadNow, type LoadedNow } from './load.ts';
import { validate, type InputOf, type OutputOf, type StandardSchema } from './standard-schema.ts';
import type { StateCache } from './state-cache.ts';

/** How often a command is decided before it gives up against other writers of the same stream. */
export const conflictAttempts = 25;

/** The longest wait between two attempts. */
const longestPauseMs = 100;

export interface HandleOptions {
  /** A UUID that each delivery of the command has. The first event gets it as its own id. */
  readonly commandId: string;
  /** What makes two commands on one thing the same one for ever, whatever their ids. Default: what the command says. */
  readonly businessKey?: string | undefined;
  /** For each event, besides what is written there anyway: `$correlationId` and `$causationId`, unless they are given. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** As in `load`. */
  readonly cache?: StateCache | undefined;
  /**
   * With a cache: decide on a state that may be so old. Only events that can be appended right behind that state count;
   * otherwise it is decided again, on the exact state. Default: 0.
   */
  readonly maxAgeMs?: number | undefined;
  /** Default: `conflictAttempts`. */
  readonly attempts?: number | undefined;
  /** From 0 to 1, for the pauses between attempts. Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does a command: loads the state, decides, appends at the revision that was seen, and does so again when another writer
 * was first. (Commands of this process that met at a stream then wait for each other.) A command that was handled before, in this stream, is not decided again: its first result comes back, as
 * long as its events are there. `nothing` and refusals leave no trace; delivered again, they are decided again.
 *
 * @throws InvalidCommandInput when the input does not fit the schema.
 * @throws CommandIdReused when the id belongs to a command with another input.
 * @throws TooManyConflicts when other writers were first in every attempt.
 * @throws UndeclaredEvent, InvalidEventData when the command gives events that cannot be.
 * @throws UnknownOutcome when the store cannot tell whether the events were written: deliver the command again.
 * @throws what `load` throws.
 */
export async function handle<State, S extends Schemas, Input extends StandardSchema, Decided extends Decision<S>>(
  store: EventStore,
  command: Command<State, S, Input, Decided>,
  id: string,
  input: InputOf<Input>,
  options: HandleOptions,
): Promise<Handled<Decided>> {
  if (!((options.attempts ?? 1) >= 1)) throw new InvalidOption('attempts', 'it is no number from 1 on');
  checkCache(command.view, options.cache);
  const stream = streamOf(command.view, id);
  const parsed = await parsedInput(command.input, input);
  const businessKey = options.businessKey ?? command.businessKey(parsed, id);
  const identity = {
    ...identityOf(command, { stream, input, businessKey, commandId: options.commandId }),
    attemptId: store.guessesOutcome === true ? crypto.randomUUID() : undefined,
  };
  const task: Task = { store, command, id, stream, input: parsed, identity, options };
  const first = isLineAt(store, stream)
    ? undefined
    : await tryOnce(task, { maxAgeMs: options.maxAgeMs, end: undefined });
  const done = isDone(first) ? first : await inLine(store, stream, () => tryAgain(task, first));
  return done as Handled<Decided>; // The command itself decided so.
}

/** A command with all that is known of it before the first attempt. */
interface Task {
  readonly store: EventStore;
  readonly command: Command;
  readonly id: string;
  readonly stream: StreamName;
  readonly input: unknown;
  readonly identity: CommandIdentity;
  readonly options: HandleOptions;
}

/** Another writer was first. */
interface Conflict {
  readonly error: unknown;
  /** Where the stream ended then, which a reader cannot see when everything in it is hidden. */
  readonly end: Revision | undefined;
}

function isDone(tried: Handled | Conflict | undefined): tried is Handled {
  return tried !== undefined && !('error' in tried);
}

/** The attempts after the first one, and after a first one that nobody made because others stood in line. */
async function tryAgain(task: Task, first: Conflict | undefined): Promise<Handled> {
  const { attempts = conflictAttempts, random = Math.random, signal } = task.options;
  let conflict = first;
  for (let attempt = first === undefined ? 0 : 1; attempt < attempts; attempt += 1) {
    signal?.throwIfAborted();
    if (attempt > 1) await pause(attempt, random, signal); // They are of other processes, which stand in no line.
    const tried = await tryOnce(task, { maxAgeMs: 0, end: conflict?.end });
    if (isDone(tried)) return tried;
    conflict = tried;
  }
  throw new TooManyConflicts(task.stream, attempts, { cause: conflict?.error });
}

/** Loads, decides, appends. */
async function tryOnce(
  task: Task,
  { maxAgeMs = 0, end }: { readonly maxAgeMs: number | undefined; readonly end: Revision | undefined },
): Promise<Handled | Conflict> {
  const { store, command, id, stream, identity, options } = task;
  const { cache, signal } = options;
  const loaded = await loadNow(store, command.view, { id, cache, maxAgeMs, sought: identity.firstId, signal });
  const repeated = await handledBefore(task, loaded);
  if (repeated !== undefined) return repeated;
  const decision: Decision = command.decide(task.input, loaded.folded.state);
  const { revision: seen, position } = loaded.folded;
  const events = 'kind' in decision ? [] : decision;
  if (events.length > 0) return appendDecided(task, events, seen ?? end);
  if (!loaded.isExact) return tryOnce(task, { maxAgeMs: 0, end }); // An older state can be wrong about this.
  if (!('kind' in decision) || decision.kind === 'nothing')
    return { outcome: 'unchanged', stream, revision: seen, position };
  return { outcome: 'refused', stream, revision: seen, position, code: decision.code, facts: decision.facts };
}

/** The first result of a command that was handled before. */
async function handledBefore(
  { store, stream, identity, options: { signal } }: Task,
  { ids }: LoadedNow<unknown>,
): Promise<HandledEvents | undefined> {
  const isBefore = ids.foundAt === undefined && ids.mayHaveKnown(identity.firstId);
  const at = isBefore ? await findEvent(store, { stream, id: identity.firstId, signal }) : ids.foundAt;
  return at === undefined ? undefined : firstResult(store, { stream, at, identity, signal });
}

async function appendDecided(
  task: Task,
  decided: readonly DomainEvent[],
  seen: Revision | undefined,
): Promise<HandledEvents | Conflict> {
  const { store, stream, identity, options } = task;
  const encoded = await encodeAll(task, decided);
  try {
    const events = encoded.map(({ event }) => event);
    const { outcome, ...appended } = await store.append(stream, events, { expected: seen ?? 'no-stream' });
    if (outcome === 'appended' && store.guessesOutcome !== true) {
      return { outcome, stream, ...appended, events: handledEvents(encoded, appended) };
    }
    // Another delivery of the same command was first, by a hair; or the store cannot tell, and the events can.
    const at = appended.firstRevision;
    const repeated = await firstResult(store, { stream, at, identity, signal: options.signal });
    return repeated ?? { error: undefined, end: undefined };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'wrong-expected-revision')) throw error;
    const actual: unknown = Reflect.get(error, 'actual');
    return { error, end: typeof actual === 'bigint' ? (actual as Revision) : undefined }; // The store's own word.
  }
}

function encodeAll(
  { command, stream, identity, options }: Task,
  decided: readonly DomainEvent[],
): Promise<EncodedEvent[]> {
  const { commandId, firstId, hash, attemptId } = identity;
  const { correlationId = commandId, causationId = commandId } = currentCause() ?? {};
  const shared = { $correlationId: correlationId, $causationId: causationId, ...options.metadata };
  const ofFirst = {
    [commandHashKey]: hash,
    ...(firstId !== commandId && { [commandIdKey]: commandId }),
    ...(attemptId !== undefined && { [attemptIdKey]: attemptId }),
  };
  return Promise.all(
    decided.map((event, index) =>
      encodeEvent(command.view, event, {
        id: eventIdOf(firstId, index),
        stream,
        metadata: index === 0 ? { ...shared, ...ofFirst } : shared,
      }),
    ),
  );
}

function handledEvents(
  encoded: readonly EncodedEvent[],
  { firstRevision }: Pick<HandledEvents, 'firstRevision'>,
): HandledEvents['events'] {
  return encoded.map(({ event: { id, type }, data }, index) => ({
    id,
    revision: revision(firstRevision + BigInt(index)),
    type,
    data,
  }));
}

async function parsedInput<Input extends StandardSchema>(schema: Input, input: unknown): Promise<OutputOf<Input>> {
  const result = await validate(schema, input);
  if (result.issues !== undefined) throw new InvalidCommandInput(result.issues);
  return result.value;
}

function identityOf(
  { name }: Pick<Command, 'name'>,
  options: { stream: StreamName; input: unknown; businessKey: string | undefined; commandId: string },
): Omit<CommandIdentity, 'attemptId'> {
  const { stream, input, businessKey } = options;
  const commandId = checkedCommandId(options.commandId);
  const hash = commandHash(name, input);
  if (businessKey === undefined) return { commandId, firstId: commandId, hash };
  checkNamed(name);
  return { commandId, firstId: keyedEventId(stream, name, businessKey), hash };
}

/** Waits a random while, so that those who met do not meet again. */
async function pause(attempt: number, random: () => number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(random() * Math.min(longestPauseMs, 2 ** attempt), undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
