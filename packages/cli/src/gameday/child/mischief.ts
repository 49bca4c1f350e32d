import type { EventName, Fault } from '../plan.ts';
import { tell } from './voice.ts';
import { putClockWrong } from './wrong-clock.ts';

/** An event that is about to be handled. */
interface Coming extends EventName {
  readonly id: string;
}

/** Does what a fault says, at the event where it says so. */
export class Mischief {
  readonly #fault: Fault;
  readonly #clock: ReturnType<typeof putClockWrong> | undefined;
  #handled = 0;
  #statements = 0;
  #failsAt: string | undefined;
  #isDown = false;

  constructor(fault: Fault) {
    this.#fault = fault;
    this.#clock = fault.kind === 'clock' ? putClockWrong(fault.offsetMs) : undefined;
  }

  get handled(): number {
    return this.#handled;
  }

  get statements(): number {
    return this.#statements;
  }

  /** Whether no connection to the database can be had. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /** Before an event is handled. */
  async before({ id, ...event }: Coming): Promise<void> {
    this.#handled += 1;
    const fault = this.#fault;
    if (id === this.#failsAt) throw new Error('A game day made this event fail.');
    if (fault.kind === 'none' || fault.kind === 'kill' || this.#handled !== fault.at) return;
    await tell({ kind: 'fault', event });
    switch (fault.kind) {
      case 'hang':
        return Promise.withResolvers<void>().promise; // For ever.
      case 'sleep':
        return void process.kill(process.pid, 'SIGSTOP');
      case 'fail':
        this.#failsAt = id;
        throw new Error('A game day made this event fail.');
      case 'unreachable':
        return this.#breakOff(fault.forMs);
      case 'clock':
        return this.#clock?.jump(fault.jumpMs);
      default:
        return fault satisfies never;
    }
  }

  /** When an event is handled, and nothing is written yet that says so. */
  after(): void {
    if (this.#fault.kind === 'kill' && this.#handled >= this.#fault.at) process.kill(process.pid, 'SIGKILL');
  }

  /** Before a statement of a handler is run. */
  statement(): void {
    this.#statements += 1;
    if (this.#fault.kind === 'kill' && this.#statements >= this.#fault.at) process.kill(process.pid, 'SIGKILL');
  }

  #breakOff(forMs: number): never {
    this.#isDown = true;
    setTimeout(() => {
      this.#isDown = false;
      void tell({ kind: 'over' });
    }, forMs);
    throw refused();
  }
}

/** What a driver says when nobody listens any more. */
export function refused(): Error {
  return Object.assign(new Error('connect ECONNREFUSED: a game day took the database away'), { code: 'ECONNREFUSED' });
}
