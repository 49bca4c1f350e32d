import type { Progress } from 'daybook/read-model';

import type { Shell } from '../shell.ts';

const units = {
  folding: 'events folded',
  comparing: 'rows compared',
  tracing: 'events traced',
  repairing: 'rows put right',
  switching: 'switches',
} as const;

/** Says how far a job is, phase by phase. */
export class PhaseProgress implements Disposable {
  readonly #shell: Shell;
  #phase: Progress['phase'] | undefined;
  #shown: ReturnType<Shell['progress']> | undefined;

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  show({ phase, done, total, perSecond, remainingMs }: Progress): void {
    if (phase !== this.#phase) {
      this.clear();
      this.#phase = phase;
      this.#shown = this.#shell.progress(units[phase]);
    }
    this.#shown?.update(done, total === undefined || total === 0 ? undefined : Math.min(1, done / total));
    this.#shown?.keepPace({ perSecond, remainingMs });
  }

  /** Takes it away, so that something else can be written. */
  clear(): void {
    this.#shown?.[Symbol.dispose]();
    this.#shown = undefined;
    this.#phase = undefined;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
