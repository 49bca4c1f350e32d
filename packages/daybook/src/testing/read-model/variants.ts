/** Numbers from 1 to `last`: all of them, or `atMost` that are spread evenly, the last one among them. */
export function spread(last: number, atMost: number): readonly number[] {
  const count = Math.min(last, atMost);
  return Array.from({ length: count }, (_, i) => Math.ceil(((i + 1) * last) / count));
}

/**
 * The same events in so many other orders, in each of which those of one stream keep theirs: stream after stream, from
 * the last one and from the first one, one of each in turn, and then mixed, always in the same ways.
 */
export function* otherOrders<Event extends { readonly stream: string }>(
  events: readonly Event[],
  count: number,
): Generator<readonly Event[]> {
  const streams = [...Map.groupBy(events, ({ stream }) => stream).values()];
  const longest = Math.max(0, ...streams.map(({ length }) => length));
  const inTurn = Array.from({ length: longest }, (_, i) => streams.flatMap((each) => each.slice(i, i + 1)));
  const plain = [streams.toReversed().flat(), streams.flat(), inTurn.flat()];
  for (let i = 0; i < count; i += 1) yield plain[i] ?? mixed(streams, i);
}

/** One event after the other, each from a stream that is drawn. */
function mixed<Event>(streams: readonly (readonly Event[])[], seed: number): readonly Event[] {
  const left = streams.map((events) => [...events].toReversed());
  const order: Event[] = [];
  let state = seed;
  while (left.length > 0) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const drawn = Math.floor((state / 2 ** 32) * left.length);
    const event = left[drawn]?.pop();
    if (event === undefined) left.splice(drawn, 1);
    else order.push(event);
  }
  return order;
}
