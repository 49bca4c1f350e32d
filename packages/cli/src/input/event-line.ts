import { createHash } from 'node:crypto';

import { streamName, type NewEvent, type RecordedEvent, type StreamName } from 'daybook';

import { usage } from '../failure.ts';
import { jsonText } from '../output/json-text.ts';
import { memberTexts } from './member-texts.ts';
import { parseJson } from './parse-json.ts';
import { checkUuid } from './parse-options.ts';
import type { Line } from './read-lines.ts';

/** An event of a file, and the stream it names. */
export interface EventLine {
  readonly stream: StreamName | undefined;
  readonly event: NewEvent;
}

const eventMembersRead = [
  'stream',
  'type',
  'id',
  'data',
  'dataBase64',
  'metadata',
  'metadataBase64',
  'contentType',
  'created',
];

/** What a line may have. `read` writes the last three, which say where the event was. */
const members: ReadonlySet<string> = new Set([...eventMembersRead, 'revision', 'position', 'link']);

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** An event as one line of JSON: what `parseEventLine` reads. Its bytes are kept, whatever they are. */
export function eventLine(event: RecordedEvent): string {
  return `{${eventMembers(event).join(',')}}`;
}

/** The same, with where the event is. */
export function placedEventLine(event: RecordedEvent): string {
  const { revision, position, link } = event;
  const [stream = '', ...others] = eventMembers(event);
  const place = [`"revision":"${revision}"`, `"position":"${position}"`];
  if (link !== undefined) place.push(`"link":${jsonText(link)}`);
  return `{${[stream, ...place, ...others].join(',')}}`;
}

/**
 * Reads a line that holds an event. Without an `id` it gets one that the same text in the same line always gets.
 *
 * @throws Failure when it does not hold one.
 */
export function parseEventLine(
  { number, text }: Pick<Line, 'number' | 'text'>,
  path: string,
  defaults: { readonly type?: string | undefined } = {},
): EventLine {
  const where = `Line ${number} of ${path === '-' ? 'standard input' : path}`;
  const value = parseJson(text, where);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw usage(`${where} is not an object.`);
  const fields: { readonly [name: string]: unknown } = { ...value };
  const unknown = Object.keys(fields).find((name) => !members.has(name));
  if (unknown !== undefined) {
    throw usage(`${where} has a member ${jsonText(unknown)}. An event has ${eventMembersRead.join(', ')}.`);
  }
  const texts = memberTexts(text);
  const base64 = bytesOf(fields['dataBase64'], where, 'dataBase64');
  const json = texts.get('data');
  const isJson = base64 === undefined || fields['contentType'] === 'application/json';
  const metadata = texts.get('metadata');
  return {
    stream: fields['stream'] === undefined ? undefined : streamName(textOf(fields['stream'], where, 'stream')),
    event: {
      id:
        fields['id'] === undefined
          ? idOf(`${number}\n${text}`)
          : checkUuid(textOf(fields['id'], where, 'id'), `${where}: id`),
      type: textOf(fields['type'] ?? defaults.type, where, 'type'),
      data: base64 ?? encoder.encode(json ?? 'null'),
      metadata:
        bytesOf(fields['metadataBase64'], where, 'metadataBase64') ?? (metadata ? encoder.encode(metadata) : undefined),
      contentType: isJson ? 'application/json' : 'application/octet-stream',
      ...(fields['created'] !== undefined && { created: timeOf(fields['created'], where) }),
    },
  };
}

function eventMembers({ stream, type, id, data, metadata, contentType, created }: RecordedEvent): readonly string[] {
  const json = contentType === 'application/json' ? jsonOnOneLine(data) : undefined;
  const lines = [`"stream":${JSON.stringify(stream)}`, `"type":${JSON.stringify(type)}`, `"id":"${id}"`];
  lines.push(json === undefined ? `"dataBase64":"${Buffer.from(data).toString('base64')}"` : `"data":${json}`);
  if (json === undefined && contentType === 'application/json') lines.push('"contentType":"application/json"');
  if (metadata.length > 0) {
    const metadataJson = jsonOnOneLine(metadata);
    const base64 = `"metadataBase64":"${Buffer.from(metadata).toString('base64')}"`;
    lines.push(metadataJson === undefined ? base64 : `"metadata":${metadataJson}`);
  }
  lines.push(`"created":"${created.toISOString()}"`);
  return lines;
}

/** Bytes as JSON text that can stand in a line as it is, if they are such. */
function jsonOnOneLine(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes);
    if (/^\s|\s$|[\n\r]/.test(text)) return undefined;
    JSON.parse(text);
    return text;
  } catch {
    return undefined; // Not text, or not JSON.
  }
}

function textOf(value: unknown, where: string, name: string): string {
  if (typeof value === 'string') return value;
  throw usage(`${where} ${value === undefined ? 'has no' : 'has something else than text as its'} "${name}".`);
}

function bytesOf(value: unknown, where: string, name: string): Uint8Array | undefined {
  if (value === undefined) return undefined;
  const text = textOf(value, where, name);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw usage(`${where}: "${name}" is not base64.`);
  return Buffer.from(text, 'base64');
}

function timeOf(value: unknown, where: string): Date {
  const time = new Date(typeof value === 'string' ? value : NaN);
  if (Number.isFinite(time.getTime())) return time;
  throw usage(`${where}: "created" is no time. One looks like 2026-11-23T10:00:00.000Z.`);
}

/** A UUID that is made of text and nothing else (RFC 9562, version 8). */
function idOf(text: string): string {
  const hash = createHash('sha256').update(text).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
