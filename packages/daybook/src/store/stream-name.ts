import { InvalidStreamName } from './errors.ts';
import { streamNameBytes } from './limits.ts';

/** The name of a stream, such as `CustomerOrder-123456789`. */
export type StreamName = string & { readonly [streamNameBrand]: true };

declare const streamNameBrand: unique symbol;

const encoder = new TextEncoder();

/**
 * `text` as a stream name: any well-formed text of 1 to 1,024 UTF-8 bytes. A name is data: nothing in it is special
 * but a leading `$` (a system stream), a leading `$$` (the metadata of another stream) and the first `-`. A metadata
 * stream may have the two bytes more that its name begins with.
 *
 * @throws InvalidStreamName when it is empty, too long, `$$`, or not well-formed Unicode.
 */
export function streamName(text: string): StreamName {
  if (text === '' || text === '$$') throw new InvalidStreamName(text, 'it names nothing');
  // A name of few UTF-16 units cannot have too many bytes: most names are not encoded just to be measured.
  if (text.length * 3 > streamNameBytes) {
    const bytes = encoder.encode(text).length;
    if (bytes > streamNameBytes + (isMetadataStream(text) ? 2 : 0)) {
      throw new InvalidStreamName(text, `it has ${bytes} bytes, and a name has at most ${streamNameBytes}`);
    }
  }
  if (!text.isWellFormed()) throw new InvalidStreamName(text, 'it is not well-formed Unicode');
  return text as StreamName; // The checks above are the brand.
}

/**
 * The category of a stream: the text before its first `-`. A name without a `-`, or with nothing before it, has none,
 * and neither has a system stream.
 */
export function categoryOf(stream: string): string | undefined {
  const end = stream.indexOf('-');
  return end > 0 && !isSystemStream(stream) ? stream.slice(0, end) : undefined;
}

/** The text behind the first `-` of a stream name: `123456789` for `CustomerOrder-123456789`. */
export function idOf(stream: string): string | undefined {
  const end = stream.indexOf('-');
  return end > 0 ? stream.slice(end + 1) : undefined;
}

/** Whether a name belongs to the system: it begins with `$`. */
export function isSystemStream(stream: string): boolean {
  return stream.charCodeAt(0) === 36;
}

/** Whether a name is that of another stream's metadata: it begins with `$$`. */
export function isMetadataStream(stream: string): boolean {
  return stream.startsWith('$$');
}

/** The stream that holds the metadata of `stream`. */
export function metadataStreamOf(stream: StreamName): StreamName {
  return `$$${stream}` as StreamName; // A prefix keeps a name well-formed and not empty.
}

/** The stream that a metadata stream describes, or `undefined` when `stream` is no metadata stream. */
export function describedStreamOf(stream: string): StreamName | undefined {
  return isMetadataStream(stream) ? (stream.slice(2) as StreamName) : undefined; // `$$` alone is no stream name.
}
