import { createHash } from 'node:crypto';

import { linkType } from '../store/derived-stream.ts';
import type { Link, RecordedEvent } from '../store/event.ts';

/** Names of links are hashed within this UUID, so that they are like no other's: RFC 9562, version 5. */
const namespace = Buffer.from('6f1cbd0e5a764a0f8f5dc2f3d9b10c47', 'hex');

/** The event by which a derived stream stands for `event` at one of its numbers. Always the same for the same place. */
export function linkEvent(event: RecordedEvent, { stream, revision }: Link): RecordedEvent {
  return {
    stream,
    revision,
    position: event.position,
    id: linkId(`${revision}@${stream}`),
    type: linkType,
    data: Buffer.from(`${event.revision}@${event.stream}`),
    metadata: new Uint8Array(0),
    contentType: 'application/octet-stream',
    created: event.created,
  };
}

function linkId(name: string): string {
  const bytes = createHash('sha1').update(namespace).update(name).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
