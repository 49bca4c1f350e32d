import type { Call } from '../grpc/call.ts';
import { writeBatchResponse, type BatchAnswer } from '../protocol/batch-messages.ts';
import { Writer } from '../protocol/writer.ts';

/** Collects the answers of one turn of the event loop and sends them together: a commit answers many appends at once. */
export class AnswerOutbox {
  readonly #call: Call;
  #answers: BatchAnswer[] = [];
  #sending: Promise<void> | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  put(answer: BatchAnswer): void {
    this.#answers.push(answer);
    if (this.#sending !== undefined) return;
    this.#sending = this.#sendAll();
    // Who waits for `sent` sees the failure. Nobody else needs to: the call is over then.
    this.#sending.catch(() => {});
  }

  /** Resolves when everything that was put in has been sent. */
  async sent(): Promise<void> {
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    // Other appends of the same commit give their answers in this turn, too.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    while (this.#answers.length > 0) {
      const answers = this.#answers;
      this.#answers = [];
      const writer = new Writer();
      for (const answer of answers) writer.frame((frame) => writeBatchResponse(frame, answer));
      await this.#call.send(writer.finish());
    }
    this.#sending = undefined;
  }
}
