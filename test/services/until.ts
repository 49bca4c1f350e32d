import { setTimeout as after } from 'node:timers/promises';

/** How long something may take that must come. */
const patienceMs = 60_000;

const lookAgainMs = 2;

/** Waits until something is so, for a minute at most unless told otherwise. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  withinMs: number = patienceMs,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`After ${withinMs} ms it is not so that ${what}.`);
    await after(lookAgainMs); // Whoever turns without a pause takes a core from what it waits for.
  }
}
