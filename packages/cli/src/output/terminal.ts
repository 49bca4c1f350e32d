import { once } from 'node:events';
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Nobody reads standard output any more, as after `daybook read … | head`. Not an error. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** The two ways out of a command: data to standard output, talk to standard error. */
export class Terminal {
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  #isClosed = false;

  constructor(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      this.#isClosed = true;
    });
  }

  /** Whether a person reads the data. */
  get isInteractive(): boolean {
    return this.#stdout.isTTY;
  }

  /** Whether a person reads the talk. */
  get isWatched(): boolean {
    return this.#stderr.isTTY;
  }

  /** Columns of the window that shows the data. */
  get width(): number {
    return this.#stdout.columns || 80; // 0 in a window that was never given a size.
  }

  /** Columns of the window that shows the talk. */
  get talkWidth(): number {
    return this.#stderr.columns || 80;
  }

  /**
   * Writes data, and waits while the reader is slower.
   *
   * @throws OutputClosed when the reader is gone.
   */
  async write(text: string): Promise<void> {
    if (this.#isClosed) throw new OutputClosed();
    if (this.#stdout.write(text)) return;
    await Promise.race([once(this.#stdout, 'drain'), once(this.#stdout, 'close')]).catch(() => {});
    if (this.#isClosed) throw new OutputClosed();
  }

  /** Says something to the person at the terminal. */
  say(text: string): void {
    this.#stderr.write(text);
  }

  /** Text of the data in a colour, where colours are shown: on a terminal, and not with `NO_COLOR`. */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: this.#stdout });
  }

  /** Text of the talk in a colour. */
  talkStyle(style: Style, text: string): string {
    return styleText(style, text, { stream: this.#stderr });
  }
}
