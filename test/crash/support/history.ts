import type { EventStore } from 'daybook';

import type { Broken } from './check-log.ts';
import { tickOf, tortureStream } from './checkable-event.ts';

type Answer = 'appended' | 'refused' | 'saw' | 'unknown';

/** One call of one process: what it asked, when, and what was answered, if it was. */
export interface Call {
  readonly kind: 'append' | 'look';
  readonly writer: string;
  readonly batch: number;
  readonly stream: string;
  /** What an append expected: a revision, -1 for no stream. */
  readonly expected: bigint;
  readonly began: bigint;
  ended?: bigint;
  answer?: Answer;
  /** The first revision appended, or where the stream was said to be; -1 for no stream. */
  revision?: bigint;
  position?: bigint;
}

/** Adds a line that a contending process printed to the calls of a history. */
export function addLine(calls: Map<string, Call>, writer: string, line: string): void {
  const [what = '', number = '', ...rest] = line.split(' ');
  const at = BigInt(rest.pop() ?? '0');
  const key = `${writer}/${number}`;
  if (what === 'append' || what === 'look') {
    const [stream = '', expected] = rest;
    const call = { writer, batch: Number(number), stream: tortureStream(`shared${stream}`), began: at };
    calls.set(key, { kind: what, ...call, expected: what === 'append' ? parseRevision(expected) : -1n });
    return;
  }
  const call = calls.get(key);
  if (call === undefined) throw new Error(`There is an answer to a call that never began: ${line}`);
  call.ended = at;
  call.answer = what as Answer; // What our own child prints.
  if (what !== 'unknown') call.revision = parseRevision(rest[0]);
  if (what === 'appended') call.position = BigInt(rest[1] ?? '0');
}

function parseRevision(text = ''): bigint {
  return text === 'no-stream' ? -1n : BigInt(text);
}

/** The place of a batch in the log. */
interface Place {
  readonly stream: string;
  readonly firstRevision: bigint;
  readonly size: number;
  lastPosition: bigint;
  seen: number;
}

/**
 * Whether a history is linearizable: whether each call could have happened at one moment between its begin and its end.
 *
 * The log itself is the order to be confirmed. It must hold every append that was acknowledged, at the place that was
 * named and expected; none that was refused; what was never answered at most once. An append that ended before another
 * began stands before it. And a stream that was said to end at a revision did so at some moment of the call.
 */
export async function checkHistory(store: EventStore, calls: ReadonlyMap<string, Call>): Promise<readonly Broken[]> {
  const broken: Broken[] = [];
  const say = (kind: Broken['kind'], problem: string): void => void broken.push({ kind, problem });
  const places = new Map<string, Place>();
  /** For each stream, the append that brought the event at each revision. */
  const owners = new Map<string, Call[]>();
  for await (const page of store.readAll().pages()) {
    for (const event of page) {
      const tick = tickOf(event);
      const key = `${tick?.writer}/${tick?.batch}`;
      const call = calls.get(key);
      if (tick === undefined || call?.stream !== event.stream) {
        say('altered', `Event ${event.revision} of ${event.stream} was never appended there.`);
        continue;
      }
      owners.set(event.stream, [...(owners.get(event.stream) ?? []), call]);
      const place = places.get(key);
      const { stream, revision: firstRevision, position: lastPosition } = event;
      if (tick.index === 0 && place === undefined) {
        places.set(key, { stream, firstRevision, size: tick.size, lastPosition, seen: 1 });
      } else if (place?.seen === tick.index && place.firstRevision + BigInt(tick.index) === event.revision) {
        place.seen++;
        place.lastPosition = event.position;
      } else {
        say(
          'repeated',
          `Event ${tick.index} of call ${key} stands at ${event.revision} of ${event.stream}, out of turn.`,
        );
      }
    }
  }
  for (const [key, call] of calls)
    checkCall(key, call, { place: places.get(key), owners: owners.get(call.stream) ?? [], say });
  checkOrder([...calls.values()], say);
  return broken;
}

interface Facts {
  readonly place: Place | undefined;
  readonly owners: readonly Call[];
  readonly say: (kind: Broken['kind'], problem: string) => void;
}

function checkCall(key: string, call: Call, { place, owners, say }: Facts): void {
  if (place !== undefined && place.seen !== place.size)
    say('partial', `Of call ${key} ${place.seen} events are there.`);
  switch (call.answer) {
    case 'appended':
      if (place?.firstRevision !== call.revision || place?.lastPosition !== call.position) {
        say('lost', `Call ${key} was acknowledged at revision ${call.revision} and is at ${place?.firstRevision}.`);
      }
      if (call.revision !== call.expected + 1n) {
        say('answer', `Call ${key} expected ${call.expected} and was appended at ${call.revision}.`);
      }
      break;
    case 'refused':
      if (place !== undefined) say('answer', `Call ${key} was refused and is there.`);
      if (call.revision === call.expected) say('answer', `Call ${key} was refused although it was right.`);
      checkClaim(key, call, { owners, say });
      break;
    case 'saw':
      checkClaim(key, call, { owners, say });
      break;
    case 'unknown':
    case undefined:
      break;
    default:
      call.answer satisfies never;
  }
}

/** A stream was said to end at a revision: that event had begun to be appended, and the next one was not there before. */
function checkClaim(key: string, call: Call, { owners, say }: Pick<Facts, 'owners' | 'say'>): void {
  const { revision = -1n, ended = 0n, began, stream } = call;
  const last = owners[Number(revision)];
  const next = owners[Number(revision) + 1];
  if (revision >= 0n && (last === undefined || last.began > ended)) {
    say('answer', `Call ${key} was told that ${stream} ends at ${revision}, before anybody appended that.`);
  }
  if (next?.ended !== undefined && next.answer === 'appended' && next.ended < began) {
    say(
      'answer',
      `Call ${key} was told that ${stream} ends at ${revision}, after revision ${revision + 1n} was acknowledged.`,
    );
  }
}

/** An append that was acknowledged before another began stands before it. */
function checkOrder(calls: readonly Call[], say: Facts['say']): void {
  const appended = calls.filter(({ answer }) => answer === 'appended');
  const byEnd = appended.toSorted((a, b) => Number((a.ended ?? 0n) - (b.ended ?? 0n)));
  let done = 0;
  let highest = 0n;
  for (const call of appended.toSorted((a, b) => Number(a.began - b.began))) {
    for (let next = byEnd[done]; next?.ended !== undefined && next.ended < call.began; next = byEnd[++done]) {
      if ((next.position ?? 0n) > highest) highest = next.position ?? 0n;
    }
    if ((call.position ?? 0n) <= highest) {
      say(
        'gap',
        `Call ${call.writer}/${call.batch} began after position ${highest} was acknowledged and stands before it.`,
      );
    }
  }
}
