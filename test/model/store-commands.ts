import type { ScavengingStore } from 'daybook';

import { leaveAll } from './follow-commands.ts';
import type { ModelLog } from './model-log.ts';
import type { Command, World } from './world.ts';

/** Frees space, if the store can. */
export class Scavenge implements Command {
  check(): boolean {
    return true;
  }

  async run(model: ModelLog, { store }: World): Promise<void> {
    if (!('scavenge' in store)) return;
    for await (const _ of (store as ScavengingStore).scavenge()) continue; // It has what makes it one.
    model.scavenge();
  }

  toString(): string {
    return 'scavenge';
  }
}

/** Opens the log again, if it outlives its store. */
export class Reopen implements Command {
  check(): boolean {
    return true;
  }

  async run(_: ModelLog, world: World): Promise<void> {
    if (world.log.reopen === undefined) return;
    await leaveAll(world);
    world.store = await world.log.reopen();
  }

  toString(): string {
    return 'reopen';
  }
}

/** Lets time pass by whole seconds. */
export class PassTime implements Command {
  readonly #seconds: number;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, world: World): Promise<void> {
    model.nowMs += this.#seconds * 1_000;
    world.clock.nowMs = model.nowMs;
  }

  toString(): string {
    return `${this.#seconds} s pass`;
  }
}
