import { existsSync } from 'node:fs';

import type { RecordedEvent } from 'daybook';

import { openFile, openStore, storeKind, withoutSecret } from '../open-store.ts';
import { grouped } from '../output/progress.ts';
import type { CheckResult } from './check.ts';

/** A clock that runs ahead of the one that wrote the log by less than this is good enough. */
const clockToleranceMs = 5_000;

/** Whether the store can be opened and read. Opening reads the settings back that keep events safe. */
export async function checkStore(location: string): Promise<CheckResult> {
  const check = 'store';
  if (storeKind(location) === 'file' && !existsSync(location)) {
    return { check, verdict: 'ok', evidence: `${location} is not there yet: the first append makes it.` };
  }
  try {
    await using store = await openStore(location, 'existing');
    const { position, logId, epoch } = await store.head();
    const log = logId === undefined ? '' : `, log ${logId}, epoch ${epoch}`;
    return {
      check,
      verdict: 'ok',
      evidence: `${withoutSecret(location)} opens, ends at position ${position ?? 'none'}${log}`,
    };
  } catch (error) {
    const evidence = error instanceof Error ? error.message : String(error);
    return { check, verdict: 'fail', evidence, fix: 'See daybook verify, and daybook backup restore.' };
  }
}

/** Whether SQLite does what keeps events safe. Opening the store has compared it. */
export async function checkSettings(path: string): Promise<CheckResult> {
  const check = 'settings';
  if (!existsSync(path)) return { check, verdict: 'ok', evidence: 'There is no store yet.' };
  await using store = await openFile(path, 'doctor');
  const settings = Object.entries(store.settings());
  return { check, verdict: 'ok', evidence: settings.map(([name, value]) => `${name} ${value}`).join(', ') };
}

/** Whether this clock is behind the one that wrote the newest event. */
export async function checkClock(location: string): Promise<CheckResult> {
  const check = 'clock';
  const now = new Date();
  const evidence = now.toISOString();
  if (storeKind(location) === 'file' && !existsSync(location)) return { check, verdict: 'ok', evidence };
  let last: RecordedEvent | undefined;
  await using store = await openStore(location, 'existing');
  for await (last of store.readAll({ direction: 'backwards', limit: 1 }));
  const aheadMs = last === undefined ? 0 : last.created.getTime() - now.getTime();
  if (aheadMs < clockToleranceMs) return { check, verdict: 'ok', evidence };
  const fix = `The newest event is from ${last?.created.toISOString()}: set the clock, and look who wrote it.`;
  return { check, verdict: 'warn', evidence, fix };
}

/** Whether every stored byte is what was written. */
export async function checkBytes(path: string): Promise<CheckResult> {
  const check = 'bytes';
  if (!existsSync(path)) return { check, verdict: 'ok', evidence: 'There are none yet.' };
  await using store = await openFile(path, 'verified');
  let checked = 0n;
  for await (const { eventsChecked, findings } of store.verify()) {
    checked = eventsChecked;
    const [first] = findings;
    if (first !== undefined) {
      return {
        check,
        verdict: 'fail',
        evidence: first.problem,
        fix: 'See daybook verify, and daybook backup restore.',
      };
    }
  }
  return { check, verdict: 'ok', evidence: `${grouped(checked)} events, nothing wrong` };
}
