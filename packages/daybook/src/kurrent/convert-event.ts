import type { Link, RecordedEvent } from '../store/event.ts';
import type { Position, Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { EventMessage, RecordMessage } from './client.ts';

const decoder = new TextDecoder();

/** .NET counts in ticks of 100 nanoseconds. */
const ticksPerMillisecond = 10_000n;

/** The event of a message, or `undefined` when a link was resolved and its event is not there any more. */
export function convertEvent(message: EventMessage): RecordedEvent | undefined {
  const event = message.getEvent();
  if (event === undefined) return undefined;
  const link = message.getLink();
  return link === undefined ? recordedEvent(event) : { ...recordedEvent(event), link: linkOf(link) };
}

/** The place of a message in the stream that was read: of the link, if there is one. */
export function convertLink(message: EventMessage): Link | undefined {
  const record = message.getLink() ?? message.getEvent();
  return record === undefined ? undefined : linkOf(record);
}

function recordedEvent(record: RecordMessage): RecordedEvent {
  const metadata = record.getMetadataMap();
  return {
    ...linkOf(record),
    position: BigInt(record.getCommitPosition()) as Position, // The server's word.
    id: record.getId().getString().toLowerCase(),
    type: metadata.get('type') ?? '',
    data: record.getData_asU8(),
    metadata: record.getCustomMetadata_asU8(),
    contentType: metadata.get('content-type') === 'application/json' ? 'application/json' : 'application/octet-stream',
    created: new Date(Number(BigInt(metadata.get('created') ?? 0) / ticksPerMillisecond)),
  };
}

function linkOf(record: RecordMessage): Link {
  return {
    stream: decoder.decode(record.getStreamIdentifier().getStreamName_asU8()) as StreamName, // The server's word.
    revision: BigInt(record.getStreamRevision()) as Revision, // The same.
  };
}
