import { derivedStream } from '../store/derived-stream.ts';
import type { StreamState } from '../store/options.ts';
import { position, revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { Log } from './log.ts';
import { eventAt } from './read.ts';

/** Where a stream stands now. */
export function streamState(log: Log, stream: StreamName, nowMs: number): StreamState {
  const positions = log.positionsOf(stream);
  const last = positions.length - 1;
  const status = statusOf(log, stream);
  const first = status === 'tombstoned' ? undefined : firstGiven(log, stream, nowMs);
  return {
    stream,
    status,
    ...(last >= 0 && { revision: revision(last), position: position(positions[last]!) }),
    ...(first !== undefined && { firstRevision: revision(first) }),
    metadata: (status === 'tombstoned' ? undefined : log.metadataOf(stream)) ?? { custom: {} },
  };
}

function statusOf(log: Log, stream: StreamName): StreamState['status'] {
  if (derivedStream(stream) === undefined) {
    const { isTombstoned, isDeleted } = log.factsOf(stream);
    if (isTombstoned) return 'tombstoned';
    if (isDeleted) return 'deleted';
  }
  return log.positionsOf(stream).length === 0 ? 'no-stream' : 'exists';
}

/** The first revision or number that a read gives. */
function firstGiven(log: Log, stream: StreamName, nowMs: number): number | undefined {
  const { length } = log.positionsOf(stream);
  for (let number = log.firstVisible(stream); number < length; number += 1) {
    if (eventAt(log, { stream, number, links: 'resolve', nowMs }) !== undefined) return number;
  }
  return undefined;
}
