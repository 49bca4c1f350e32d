import type { Did, Operation } from './history.ts';

/** What a stream is to this checker: how long it is, and a hash over the ids in it. */
interface State {
  readonly length: number;
  readonly hash: number;
}

/** A call or a return in a doubly linked list, so that an operation can be taken out and put back in no time. */
interface Entry {
  readonly index: number;
  readonly operation: Operation;
  /** Of a call: its return, unless no answer came. */
  readonly returns: Entry | undefined;
  readonly isCall: boolean;
  previous: Entry | undefined;
  next: Entry | undefined;
}

/**
 * Whether there is one order of the operations on one stream that respects real time and explains every answer. This is
 * the search of Wing and Gong with Lowe's memory of what was tried, as Porcupine does it.
 */
export function isLinearizable(operations: readonly Operation[]): boolean {
  const head = linkedEntries(operations);
  const tried = new Set<string>();
  const taken: { readonly call: Entry; readonly state: State; readonly chosen: bigint }[] = [];
  let returnsLeft = operations.filter(({ returnedAt }) => returnedAt < Infinity).length;
  let state: State = { length: 0, hash: 17 };
  let chosen = 0n;
  let entry = head.next;
  while (returnsLeft > 0) {
    if (entry?.isCall === true) {
      const after = step(state, entry.operation.did);
      const withThis = chosen | (1n << BigInt(entry.index));
      const key = after === undefined ? '' : `${withThis.toString(36)}:${after.length}:${after.hash}`;
      if (after === undefined || tried.has(key)) {
        entry = entry.next;
        continue;
      }
      tried.add(key);
      taken.push({ call: entry, state, chosen });
      [state, chosen] = [after, withThis];
      if (entry.returns !== undefined) returnsLeft -= 1;
      takeOut(entry);
      entry = head.next;
      continue;
    }
    // An answer is there although its operation fits nowhere before it: take back the last choice.
    const last = taken.pop();
    if (last === undefined) return false;
    [state, chosen] = [last.state, last.chosen];
    if (last.call.returns !== undefined) returnsLeft += 1;
    putBack(last.call);
    entry = last.call.next;
  }
  return true;
}

/** The state after an operation, if its answer fits the state before. */
function step(state: State, did: Did): State | undefined {
  switch (did.kind) {
    case 'read':
      return did.ids.length === state.length && hashOf(did.ids) === state.hash ? state : undefined;
    case 'conflict':
      return did.actual === state.length - 1 && did.actual !== did.expected ? state : undefined;
    case 'append': {
      const { ids, expected, revision } = did;
      const length = state.length + ids.length;
      if (expected !== undefined && expected !== state.length - 1) return undefined;
      if (revision !== undefined && revision !== length - 1) return undefined;
      return { length, hash: hashOf(ids, state.hash) };
    }
    default:
      return did satisfies never;
  }
}

function hashOf(ids: readonly string[], start = 17): number {
  let hash = start;
  for (const id of ids) {
    for (let i = 0; i < id.length; i += 1) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193) >>> 0;
    hash = Math.imul(hash ^ 0x9e3779b1, 0x85ebca6b) >>> 0;
  }
  return hash;
}

/** The calls and returns in the order of time, behind a head that is no entry. */
function linkedEntries(operations: readonly Operation[]): Entry {
  const entries = operations.flatMap((operation, index) => {
    const common = { index, operation, previous: undefined, next: undefined };
    const isAnswered = operation.returnedAt < Infinity;
    const returns: Entry | undefined = isAnswered ? { ...common, isCall: false, returns: undefined } : undefined;
    const call: Entry = { ...common, isCall: true, returns };
    return returns === undefined ? [call] : [call, returns];
  });
  entries.sort((left, right) => timeOf(left) - timeOf(right) || Number(right.isCall) - Number(left.isCall));
  const head: Entry = { ...entries[0]!, previous: undefined, next: undefined };
  let previous = head;
  for (const entry of entries) {
    entry.previous = previous;
    previous.next = entry;
    previous = entry;
  }
  return head;
}

function timeOf({ isCall, operation }: Entry): number {
  return isCall ? operation.invokedAt : operation.returnedAt;
}

function takeOut(call: Entry): void {
  for (const entry of [call, call.returns]) {
    if (entry?.previous !== undefined) entry.previous.next = entry.next;
    if (entry?.next !== undefined) entry.next.previous = entry.previous;
  }
}

function putBack(call: Entry): void {
  for (const entry of [call.returns, call]) {
    if (entry?.previous !== undefined) entry.previous.next = entry;
    if (entry?.next !== undefined) entry.next.previous = entry;
  }
}
