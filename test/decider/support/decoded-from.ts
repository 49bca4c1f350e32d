import type { EventSource, EventStore } from 'daybook';

/** All that a source gives of what is in a store. */
export async function decodedFrom<Event>(store: EventStore, source: EventSource<Event>): Promise<readonly Event[]> {
  const found: Event[] = [];
  for await (const event of store.readStream(source.stream)) {
    const decoded = await source.decode(event);
    if (decoded !== undefined) found.push(decoded);
  }
  return found;
}
