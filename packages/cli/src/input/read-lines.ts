import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';

import { usage } from '../failure.ts';

/** A line can hold the largest event there is, in base64, and its metadata. */
const longestLineBytes = 48 * 1024 * 1024;

/** A line of a file, with how far into the file it ends. */
export interface Line {
  readonly number: number;
  readonly text: string;
  /** 0 to 1, or `undefined` when the size of the whole is not known. */
  readonly share: number | undefined;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The lines of a file, or of standard input for `-`, in bounded memory. Empty ones are left out. */
export async function* readLines(path: string, signal: AbortSignal): AsyncGenerator<Line, void, undefined> {
  const isPipe = path === '-';
  const sizeBytes = isPipe ? 0 : (await stat(path)).size;
  const input: AsyncIterable<Buffer> = isPipe
    ? addAbortSignal(signal, process.stdin)
    : createReadStream(path, { signal });
  let rest: readonly Buffer[] = [];
  let restBytes = 0;
  let seenBytes = 0;
  let number = 0;
  const share = (): number | undefined => (sizeBytes > 0 ? seenBytes / sizeBytes : undefined);
  for await (const chunk of input) {
    signal.throwIfAborted();
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const bytes = Buffer.concat([...rest, chunk.subarray(start, end)]);
      seenBytes += bytes.length + 1;
      number++;
      const text = decoded(bytes, path, number);
      if (text.trim() !== '') yield { number, text, share: share() };
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    rest = [...rest, chunk.subarray(start)];
    restBytes += chunk.length - start;
    if (restBytes > longestLineBytes) {
      throw usage(`Line ${number + 1} of ${path} is longer than ${longestLineBytes} bytes. Is it one event a line?`);
    }
  }
  const text = decoded(Buffer.concat(rest), path, number + 1);
  if (text.trim() !== '') yield { number: number + 1, text, share: sizeBytes > 0 ? 1 : undefined };
}

function decoded(bytes: Buffer, path: string, number: number): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw usage(`Line ${number} of ${path} is not UTF-8 text.`, { cause });
  }
}
