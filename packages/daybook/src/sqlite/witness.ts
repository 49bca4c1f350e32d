import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

const bytesUsed = 12;

/**
 * Remembers in a small file how far the log was acknowledged. SQLite drops the end of a damaged write-ahead file without
 * a word: a log that ends before its witness says has lost something.
 */
export class Witness implements Disposable {
  readonly #file: number;
  readonly #bytes: Buffer = Buffer.alloc(bytesUsed);

  constructor(path: string) {
    this.#file = openSync(path, 'a+', 0o600);
    closeSync(this.#file);
    this.#file = openSync(path, 'r+');
  }

  /** The position that was acknowledged last, 0 when nothing readable is there. */
  read(): number {
    const bytes = Buffer.alloc(bytesUsed);
    if (readSync(this.#file, bytes, 0, bytesUsed, 0) < bytesUsed) return 0;
    return crc32(bytes.subarray(0, 8)) === bytes.readUInt32LE(8) ? bytes.readDoubleLE(0) : 0;
  }

  write(position: number): void {
    this.#bytes.writeDoubleLE(position, 0);
    this.#bytes.writeUInt32LE(crc32(this.#bytes.subarray(0, 8)), 8);
    writeSync(this.#file, this.#bytes, 0, bytesUsed, 0);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
