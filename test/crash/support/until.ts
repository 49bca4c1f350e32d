import { setTimeout as after } from 'node:timers/promises';

/** How long something may take that must come. */
const patienceMs = 60_000;

const lookAgainMs = 2;

/** Waits until something is so. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`After ${patienceMs} ms it is not so that ${what}.`);
    await after(lookAgainMs); // Whoever turns without a pause takes a core from the server.
  }
}
