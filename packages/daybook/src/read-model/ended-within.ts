import type { Clock } from '../consumer/clock.ts';

/** Waits for the end of some work, however it ends, but not for longer than so many milliseconds. Gives whether it came. */
export async function endedWithin(ms: number, work: Promise<unknown>, clock: Clock): Promise<boolean> {
  const ended = new AbortController();
  const patience = clock.sleep(ms, ended.signal).then(() => false);
  patience.catch(() => {}); // It ended in time.
  const end = work.then(
    () => true,
    () => true,
  );
  const hasEnded = await Promise.race([end, patience]);
  ended.abort();
  return hasEnded;
}
