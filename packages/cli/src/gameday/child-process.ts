import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import type { Plan, Rehearsal, Said, Told } from './plan.ts';

/** What is kept of what a process says on its way out. */
const lastWords = 2_000;

/** What a process said, or that it is gone. */
export type Heard = Said | { readonly kind: 'gone'; readonly signal: string | null; readonly words: string };

/** A process of a game day. It ends with its owner. */
export class PlayedProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #heard: Heard[] = [];
  #wake = Promise.withResolvers<void>();
  #words = '';

  constructor(plan: Plan | Rehearsal, env: Readonly<Record<string, string>> = {}) {
    const main = process.argv[1] ?? fileURLToPath(new URL('../main.js', import.meta.url));
    this.#child = spawn(process.execPath, [...process.execArgv, main, 'gameday-process', JSON.stringify(plan)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
    });
    this.#closed = once(this.#child, 'close');
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-lastWords);
    });
    this.#child.on('message', (said: Said) => this.#hear(said));
    this.#child.once('close', (_code, signal) => this.#hear({ kind: 'gone', signal, words: this.#words }));
  }

  /** Waits until it says one of these. Gives also that it has failed, or is gone: nothing comes after that. */
  async until(...kinds: readonly Said['kind'][]): Promise<Heard> {
    for (;;) {
      const next = this.#heard.shift();
      if (next === undefined) {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
        continue;
      }
      if (next.kind === 'gone') this.#heard.push(next); // It stays so.
      if (next.kind === 'gone' || next.kind === 'failed' || kinds.includes(next.kind)) return next;
    }
  }

  tell(told: Told): void {
    if (this.#child.connected) this.#child.send(told);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Lets it end well. */
  async end(): Promise<void> {
    this.tell('end');
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  #hear(heard: Heard): void {
    this.#heard.push(heard);
    this.#wake.resolve();
  }
}
