import type { Terminal } from './terminal.ts';

/** How often a bar is drawn, and how often a line is written where nobody watches. */
const barMs = 100;
const lineMs = 5_000;

/** How much the newest measurement counts in the rate. */
const smoothing = 0.3;

export interface ProgressOptions {
  /** What is counted: `events`. */
  readonly unit: string;
  /** Says nothing. */
  readonly isQuiet: boolean;
}

/** How fast a job goes, by its own measure. */
interface MeasuredPace {
  readonly perSecond: number;
  readonly remainingMs: number | undefined;
}

/**
 * Tells how far a long job is: a bar with rate and remaining time on a terminal, a line each five seconds elsewhere.
 */
export class Progress implements Disposable {
  readonly #terminal: Terminal;
  readonly #options: ProgressOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #started = performance.now();
  #count = 0;
  #share: number | undefined;
  #measuredCount = 0;
  #measuredAt: number = this.#started;
  #rate: number | undefined;
  #pace: MeasuredPace | undefined;

  constructor(terminal: Terminal, options: ProgressOptions) {
    this.#terminal = terminal;
    this.#options = options;
    if (!options.isQuiet) {
      this.#timer = setInterval(() => this.#tell(), terminal.isWatched ? barMs : lineMs);
      this.#timer.unref();
    }
  }

  /** Notes how much is done: `count` things, which is `share` of the whole (0 to 1), if that is known. */
  update(count: number, share?: number): void {
    this.#count = count;
    this.#share = share === undefined ? undefined : Math.min(1, Math.max(0, share));
  }

  /** Notes how fast it goes and how long it will take, as whoever does it has measured. */
  keepPace(pace: MeasuredPace): void {
    this.#pace = pace;
  }

  /** Things done for each second since the beginning. */
  get averageRate(): number {
    return this.#count / Math.max(0.001, (performance.now() - this.#started) / 1_000);
  }

  /** Takes the bar away. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#timer !== undefined && this.#terminal.isWatched) this.#terminal.say('\r\u001B[K');
  }

  #tell(): void {
    this.#measure();
    const text = [
      ...(this.#share === undefined ? [] : [`${Math.floor(this.#share * 100)} %`]),
      `${grouped(this.#count)} ${this.#options.unit}`,
      `${grouped(Math.round(this.#pace?.perSecond ?? this.#rate ?? 0))}/s`,
      ...this.#remaining(),
    ].join('  ');
    if (!this.#terminal.isWatched) {
      this.#terminal.say(`${text}\n`);
      return;
    }
    const room = this.#terminal.talkWidth - text.length - 3;
    const bar = this.#share === undefined || room < 10 ? '' : `${drawn(this.#share, Math.min(30, room))}  `;
    this.#terminal.say(`\r\u001B[K${bar}${text}`.slice(0, this.#terminal.talkWidth + 4));
  }

  #measure(): void {
    const now = performance.now();
    const seconds = (now - this.#measuredAt) / 1_000;
    if (seconds <= 0) return;
    const rate = (this.#count - this.#measuredCount) / seconds;
    this.#rate = this.#rate === undefined ? rate : smoothing * rate + (1 - smoothing) * this.#rate;
    this.#measuredCount = this.#count;
    this.#measuredAt = now;
  }

  #remaining(): readonly string[] {
    if (this.#pace !== undefined) {
      const { remainingMs } = this.#pace;
      return remainingMs === undefined ? [] : [`${duration(remainingMs / 1_000)} left`];
    }
    if (this.#share === undefined || this.#share <= 0) return [];
    const elapsed = (performance.now() - this.#started) / 1_000;
    return [`${duration((elapsed / this.#share) * (1 - this.#share))} left`];
  }
}

/** A number with commas between the thousands. */
export function grouped(count: number | bigint): string {
  return count.toLocaleString('en-US');
}

/** Seconds as `0:08`, `12:30` or `1:02:03`. */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const hours = Math.floor(whole / 3_600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${twoDigits(whole % 60)}` : `${minutes}:${twoDigits(whole % 60)}`;
}

function twoDigits(part: number): string {
  return String(part).padStart(2, '0');
}

function drawn(share: number, width: number): string {
  const done = Math.round(share * width);
  return '━'.repeat(done) + '╌'.repeat(width - done);
}
