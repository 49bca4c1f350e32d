import assert from 'node:assert/strict';

import {
  jsonEvent,
  metadataType,
  revision,
  streamName,
  type Appended,
  type ExpectedRevision,
  type ExpectedState,
  type NewEvent,
} from 'daybook';

import type { ModelEvent, ModelLog, ModelMetadata, ModelVerdict } from './model-log.ts';
import { record, type Command, type Names, type World } from './world.ts';

/** What a writer expects: fixed, or so far from where the stream is. */
export type Expectation = 'any' | 'no-stream' | 'stream-exists' | { readonly off: number };

/** Ids of an append: new ones, or some that the stream has, from one that is so far from its end. */
export interface Ids {
  readonly again: { readonly fromEnd: number; readonly count: number } | undefined;
  readonly fresh: number;
  /** Fresh ids first. */
  readonly freshFirst: boolean;
}

/** An append as it was generated, before it is known which streams there are. */
export interface AppendPlan {
  readonly stream: number;
  readonly expected: Expectation;
  readonly ids: Ids;
  readonly type: number;
  readonly isCorrelated: boolean;
  /** Expect the place at which the repeated ids stand. */
  readonly atRepeat: boolean;
}

interface Planned {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly NewEvent[];
  readonly isCorrelated: boolean;
}

/** Appends to one stream. */
export class Append implements Command {
  readonly #plan: AppendPlan;

  constructor(plan: AppendPlan) {
    this.#plan = plan;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, world: World): Promise<void> {
    const planned = planIn(model, world.names, this.#plan);
    const { stream, expected, events } = planned;
    const verdict = model.decide(stream, expected, idsOf(events));
    const appending = world.store.append(streamName(stream), events, { expected });
    if (verdict.kind === 'refused') return checkRefused(appending, verdict);
    const answer = await appending;
    const added = verdict.kind === 'appended' ? addTo(model, world, planned) : [];
    checkAnswer(model, { stream, verdict, answer, added, isRemote: world.log.isRemote });
  }

  toString(): string {
    return `append ${JSON.stringify(this.#plan)}`;
  }
}

/** Appends to several streams at once, with a check of another one. */
export class AppendAll implements Command {
  readonly #plans: readonly AppendPlan[];
  readonly #check: { readonly stream: number; readonly expected: Expectation | 'deleted' | 'tombstoned' } | undefined;

  constructor(
    plans: readonly AppendPlan[],
    check: { readonly stream: number; readonly expected: Expectation | 'deleted' | 'tombstoned' } | undefined,
  ) {
    this.#plans = plans;
    this.#check = check;
  }

  check(): boolean {
    return new Set(this.#plans.map(({ stream }) => stream)).size === this.#plans.length;
  }

  async run(model: ModelLog, world: World): Promise<void> {
    const planned = this.#plans.map((plan) => planIn(model, world.names, plan));
    const verdicts = planned.map(({ stream, expected, events }) => model.decide(stream, expected, idsOf(events)));
    const checks = this.#checks(model, world.names);
    // The protocol cannot check a stream that it appends to.
    if (world.log.isRemote && checks.some(({ stream }) => planned.some((each) => each.stream === stream))) return;
    const appending = world.store.appendAll(
      planned.map((each) => ({ ...each, stream: streamName(each.stream) })),
      { checks },
    );
    const isRepeat = verdicts.every(({ kind }) => kind === 'repeated');
    const holds = checks.every((each) => holdsIn(model, each.stream, each.expected));
    if (!isRepeat && !(holds && verdicts.every(({ kind }) => kind === 'appended'))) {
      return checkRefused(appending, { kind: 'refused', code: 'wrong-expected-revision' });
    }
    const answer = await appending;
    assert.deepEqual([answer.outcome, answer.streams.length], [isRepeat ? 'repeated' : 'appended', planned.length]);
    // All that is brought back comes before all that is appended.
    if (!isRepeat) for (const { stream } of planned) undelete(model, world, stream);
    for (const [index, each] of planned.entries()) {
      const added = isRepeat ? [] : addTo(model, world, each);
      const written = answer.streams[index]!;
      const verdict = verdicts[index]!;
      checkAnswer(model, {
        stream: each.stream,
        verdict,
        answer: { outcome: answer.outcome, ...written },
        added,
        isRemote: world.log.isRemote,
        // Over the protocol, the answer to one stream says where it was written, but not that to several, or to checks.
        isPlaceLookedUp: world.log.isRemote === true && planned.length + checks.length > 1,
      });
    }
  }

  toString(): string {
    return `appendAll ${JSON.stringify(this.#plans)} check ${JSON.stringify(this.#check)}`;
  }

  #checks(model: ModelLog, names: Names): { stream: ReturnType<typeof streamName>; expected: ExpectedState }[] {
    if (this.#check === undefined) return [];
    const stream = names.streams[this.#check.stream % names.streams.length]!;
    const { expected } = this.#check;
    if (expected === 'any') return [];
    const state = typeof expected === 'object' ? atLeast0(model.last(stream) + BigInt(expected.off)) : expected;
    return [{ stream: streamName(stream), expected: state }];
  }
}

/** Sets the metadata of a stream, or bytes that are none. */
export class Describe implements Command {
  readonly #plan: { stream: number; says: ModelMetadata; keep: number | undefined; isMalformed: boolean };

  constructor(plan: { stream: number; says: ModelMetadata; keep: number | undefined; isMalformed: boolean }) {
    this.#plan = plan;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, world: World): Promise<void> {
    const stream = world.names.streams[this.#plan.stream % world.names.streams.length]!;
    const { keep, isMalformed } = this.#plan;
    // `keep` truncates so that as many events are left, or, below 0, so far beyond the end.
    const before = keep === undefined ? undefined : atLeast0(model.last(stream) + 1n - BigInt(keep));
    const says = isMalformed ? {} : { ...this.#plan.says, ...(before !== undefined && { truncateBefore: before }) };
    const data = isMalformed ? '{"$maxCount":1' : jsonOf(says);
    const event: NewEvent = {
      ...jsonEvent({ type: metadataType, data: 0, id: model.newId() }),
      data: Buffer.from(data),
    };
    const verdict = model.decide(`$$${stream}`, 'any', [event.id]);
    const appending = world.store.append(streamName(`$$${stream}`), [event], { expected: 'any' });
    if (verdict.kind === 'refused') return checkRefused(appending, verdict);
    const answer = await appending;
    const added = model.add({ stream: `$$${stream}`, type: metadataType, id: event.id, data, says });
    const { isRemote } = world.log;
    checkAnswer(model, { stream: `$$${stream}`, verdict, answer, added: [record(model, world, added)], isRemote });
  }

  toString(): string {
    return `describe ${JSON.stringify(this.#plan)}`;
  }
}

/** Deletes a stream or closes it for good. */
export class Remove implements Command {
  readonly #plan: { readonly stream: number; readonly expected: Expectation; readonly how: 'delete' | 'tombstone' };

  constructor(plan: { stream: number; expected: Expectation; how: 'delete' | 'tombstone' }) {
    this.#plan = plan;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, world: World): Promise<void> {
    const stream = world.names.streams[this.#plan.stream % world.names.streams.length]!;
    const expected = expectedIn(model, stream, this.#plan.expected);
    const isDelete = this.#plan.how === 'delete';
    const verdict = this.#verdict(model, stream, expected);
    const name = streamName(stream);
    const removing = isDelete
      ? world.store.deleteStream(name, { expected })
      : world.store.tombstoneStream(name, { expected });
    if (verdict.kind === 'refused') return checkRefused(removing, verdict);
    const { position } = await removing;
    const added = isDelete ? model.delete(stream) : model.add({ stream, type: '$streamDeleted' });
    record(model, world, added).position = position;
  }

  toString(): string {
    return `remove ${JSON.stringify(this.#plan)}`;
  }

  #verdict(model: ModelLog, stream: string, expected: ExpectedRevision): ModelVerdict {
    const isNothing = model.last(stream) < 0n && model.of(`$$${stream}`).length === 0;
    if (this.#plan.how === 'delete' && expected === 'no-stream' && isNothing && !model.isTombstoned(stream)) {
      return { kind: 'refused', code: 'wrong-expected-revision' };
    }
    return model.decide(stream, expected, ['an id that no event has']);
  }
}

function planIn(model: ModelLog, names: Names, plan: AppendPlan): Planned {
  const stream = names.streams[plan.stream % names.streams.length]!;
  const history = model.of(stream);
  const { again, fresh, freshFirst } = plan.ids;
  const start = again === undefined ? 0 : Math.max(0, history.length - again.fromEnd);
  const known =
    again === undefined ? [] : history.slice(start, start + again.count).map(({ id }) => id ?? model.newId());
  const news = Array.from({ length: known.length === 0 ? Math.max(1, fresh) : fresh }, () => model.newId());
  const ids = freshFirst ? [...news, ...known] : [...known, ...news];
  const type = names.types[plan.type % names.types.length]!;
  const metadata = plan.isCorrelated ? { $correlationId: names.prefix } : undefined;
  const isAtRepeat = plan.atRepeat && known.length > 0;
  return {
    stream,
    expected: isAtRepeat ? placeBefore(BigInt(start)) : expectedIn(model, stream, plan.expected),
    events: ids.map((id) => jsonEvent({ type, id, data: { id, at: model.nowMs }, metadata })),
    isCorrelated: plan.isCorrelated,
  };
}

function expectedIn(model: ModelLog, stream: string, expectation: Expectation): ExpectedRevision {
  if (typeof expectation !== 'object') return expectation;
  return placeBefore(model.last(stream) + 1n + BigInt(expectation.off));
}

/** What is expected of a stream by who wants to append at a revision. */
function placeBefore(at: bigint): ExpectedRevision {
  return at <= 0n ? 'no-stream' : revision(at - 1n);
}

function atLeast0(value: bigint): ReturnType<typeof revision> {
  return revision(value < 0n ? 0n : value);
}

function undelete(model: ModelLog, world: World, stream: string): void {
  const before = model.events.length;
  model.undelete(stream);
  for (const event of model.events.slice(before)) record(model, world, event);
}

function addTo(model: ModelLog, world: World, { stream, events, isCorrelated }: Planned): readonly ModelEvent[] {
  undelete(model, world, stream);
  return events.map(({ id, type, data }) => {
    const correlation = isCorrelated ? { correlationId: world.names.prefix } : {};
    const added = model.add({ stream, type, id, data: Buffer.from(data).toString(), ...correlation });
    return record(model, world, added);
  });
}

function checkAnswer(
  model: ModelLog,
  facts: {
    stream: string;
    verdict: ModelVerdict;
    answer: Appended;
    added: readonly ModelEvent[];
    isRemote: true | undefined;
    /** Whether the place in each stream is read afterwards: if it is hidden then, the last place of all is given. */
    isPlaceLookedUp?: boolean;
  },
): void {
  const { stream, verdict, answer, added, isRemote, isPlaceLookedUp = false } = facts;
  assert.equal(answer.outcome, verdict.kind);
  const [first, last] =
    verdict.kind === 'repeated' ? [verdict.first, verdict.last] : [added[0]!.revision, added.at(-1)!.revision];
  assert.equal(answer.revision, last);
  // The protocol does not say where a repeat begins: an id that comes twice in it may stand there once or twice.
  if (isRemote !== true || verdict.kind !== 'repeated') assert.equal(answer.firstRevision, first);
  const event = model.of(stream)[Number(last)]!;
  if (isPlaceLookedUp && !model.isVisible(event)) {
    assert.ok(answer.position >= (event.position ?? 0n));
    return;
  }
  event.position ??= answer.position;
  assert.equal(answer.position, event.position);
}

async function checkRefused(refusing: Promise<unknown>, verdict: ModelVerdict & { kind: 'refused' }): Promise<void> {
  const error: unknown = await refusing.then(
    () => assert.fail(`not refused: ${verdict.code}`),
    (reason: unknown) => reason,
  );
  assert.equal(Reflect.get(Object(error), 'code'), verdict.code, String(error));
  if (verdict.actual !== undefined) assert.equal(Reflect.get(Object(error), 'actual'), verdict.actual);
}

function holdsIn(model: ModelLog, stream: string, expected: ExpectedState): boolean {
  const [isTombstoned, isDeleted] = [model.isTombstoned(stream), model.isDeleted(stream)];
  const last = model.last(stream);
  if (expected === 'tombstoned') return isTombstoned;
  if (expected === 'deleted') return isDeleted && !isTombstoned;
  if (expected === 'no-stream') return isTombstoned || isDeleted || last < 0n;
  if (expected === 'stream-exists') {
    return !isTombstoned && !isDeleted && (last >= 0n || model.of(`$$${stream}`).length > 0);
  }
  return !isTombstoned && last === expected;
}

function jsonOf({ maxCount, maxAgeMs, truncateBefore, owner }: ModelMetadata): string {
  return JSON.stringify({
    $maxCount: maxCount,
    $maxAge: maxAgeMs === undefined ? undefined : maxAgeMs / 1_000,
    $tb: truncateBefore === undefined ? undefined : Number(truncateBefore),
    owner,
  });
}

function idsOf(events: readonly NewEvent[]): string[] {
  return events.map(({ id }) => id);
}
