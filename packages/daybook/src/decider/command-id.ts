import { createHash } from 'node:crypto';

import { InvalidOption } from '../store/errors.ts';
import type { StreamName } from '../store/stream-name.ts';

/** The namespace of the ids that are made here (RFC 9562, version 5): those of commands and of business keys. */
const namespace = 'dab00c00-0000-5000-8000-000000000000';

/**
 * An id for a command that has none of its own, from text that is the same at each delivery: the place of a
 * message in its queue, the number of a form. The same text gives the same id, everywhere.
 */
export function commandIdFrom(text: string): string {
  return uuidFrom(namespace, `command\n${text}`);
}

/**
 * The id of the first event of a command with a business key: UUID version 5 of `key`, stream, command and key, one a
 * line. It must never change: commands of many years ago are recognised by it.
 */
export function keyedEventId(stream: StreamName, commandName: string, key: string): string {
  return uuidFrom(namespace, `key\n${stream}\n${commandName}\n${key}`);
}

/**
 * The id of an event of a command, by the id of its first event: that is the command's own id, unless a business key gave
 * it another one. Each other event has the UUID of version 5 of its index, in the namespace of that id.
 */
export function eventIdOf(firstId: string, index: number): string {
  return index === 0 ? firstId : uuidFrom(firstId, String(index));
}

/**
 * A command id as it is stored.
 *
 * @throws InvalidOption when it is not a UUID.
 */
export function checkedCommandId(id: string): string {
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id.toLowerCase();
  throw new InvalidOption('commandId', `${JSON.stringify(id)} is not a UUID. commandIdFrom makes one of any text`);
}

/** A UUID of version 5: SHA-1 over a namespace and a name. */
function uuidFrom(within: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(within.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest();
  hash[6] = (hash[6]! & 0x0f) | 0x50; // The hash has 20 bytes.
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
