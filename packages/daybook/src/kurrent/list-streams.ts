import { paged } from '../internal/paged.ts';
import { firstVisible } from '../internal/visible.ts';
import { derivedStream } from '../store/derived-stream.ts';
import type { ListStreamsOptions, Paged, StreamSummary } from '../store/options.ts';
import { categoryOf, type StreamName } from '../store/stream-name.ts';
import type { Connection } from './connection.ts';
import { readAll, readStream } from './read.ts';
import { streamState } from './stream-state.ts';

/** How many streams are looked at together, for one page. */
const pageStreams = 100;

const decoder = new TextDecoder();

/**
 * Lists streams. The names come from the derived stream `$streams` (on KurrentDB: of the projection `$streams`), all of
 * them before the first page, and each stream is asked where it stands. System streams are in no derived stream: their
 * names come from their events, which are all read.
 */
export function listStreams(connection: Connection, options: ListStreamsOptions = {}): Paged<StreamSummary> {
  const { prefix = '', category, system = 'exclude', signal } = options;
  return paged(async function* () {
    const names: StreamName[] = [];
    const source = (category === undefined ? '$streams' : `$category-${category}`) as StreamName; // A name with a prefix.
    // No system stream is in a derived stream.
    const links = prefix.startsWith('$') ? [] : readStream(connection, source, { links: 'keep', signal });
    for await (const link of links) {
      const name = decoder.decode(link.data);
      const stream = name.slice(name.indexOf('@') + 1) as StreamName; // A link names a stream.
      if (stream.startsWith(prefix) && (category === undefined || categoryOf(stream) === category)) names.push(stream);
    }
    // No system stream is of a category.
    if (system === 'include' && category === undefined) {
      for (const stream of await systemStreams(connection, { prefix, signal })) names.push(stream);
    }
    names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (let start = 0; start < names.length; start += pageStreams) {
      signal?.throwIfAborted();
      const page = await Promise.all(
        names.slice(start, start + pageStreams).map((stream) => summary(connection, stream)),
      );
      const listed = page.filter((each) => each !== undefined);
      if (listed.length > 0) yield listed;
    }
  });
}

/** The system streams that have events of their own, without those that hold metadata. */
async function systemStreams(
  connection: Connection,
  { prefix, signal }: { readonly prefix: string; readonly signal: AbortSignal | undefined },
): Promise<ReadonlySet<StreamName>> {
  const names = new Set<StreamName>();
  if (prefix !== '' && !prefix.startsWith('$')) return names;
  for await (const { stream } of readAll(connection, { filter: { streamPrefixes: [prefix || '$'] }, signal })) {
    if (!stream.startsWith('$$') && derivedStream(stream) === undefined) names.add(stream);
  }
  return names;
}

async function summary(connection: Connection, stream: StreamName): Promise<StreamSummary | undefined> {
  const { status, revision, position, metadata } = await streamState(connection, stream);
  if (status !== 'exists' || revision === undefined || position === undefined) return undefined;
  const first = BigInt(firstVisible(stream, Number(revision), metadata));
  return { stream, revision, position, events: revision - first + 1n };
}
