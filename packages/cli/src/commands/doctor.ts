import type { Command } from 'commander';

import { checkFileSystem, checkFsync, checkSpace } from '../doctor/check-disk.ts';
import { checkLock } from '../doctor/check-lock.ts';
import { checkMemory, checkNode, checkOpenFiles, checkSqlite } from '../doctor/check-runtime.ts';
import { checkBytes, checkClock, checkSettings, checkStore } from '../doctor/check-store.ts';
import type { Check, CheckResult } from '../doctor/check.ts';
import { Failure } from '../failure.ts';
import { storeKind } from '../open-store.ts';
import { jsonText } from '../output/json-text.ts';
import type { Column } from '../output/print-rows.ts';
import type { Begin } from '../program.ts';

const columns: readonly Column<CheckResult>[] = [
  { title: 'VERDICT', text: ({ verdict }) => verdict },
  { title: 'CHECK', text: ({ check }) => check },
  {
    title: 'EVIDENCE',
    text: ({ evidence, fix }) => (fix === undefined ? evidence : `${evidence.replace(/\.$/, '')}. ${fix}`),
  },
];

const ofMachine: readonly Check[] = [checkNode, checkSqlite, checkMemory, checkOpenFiles];
const ofStore: readonly Check[] = [checkStore, checkClock];
const onDisk: readonly Check[] = [checkFileSystem, checkSpace, checkFsync, checkLock];

/** `daybook doctor`: whether this is a good place for a store. */
export function registerDoctor(program: Command, begin: Begin): void {
  program
    .command('doctor')
    .summary('check this machine and the store')
    .description('Checks this machine, its disk and the store, and says what to do. Ends with 8 when something fails.')
    .option('--full', 'read every stored event, as daybook verify does')
    .action(async ({ full }: { full?: true }, command: Command) => {
      const shell = begin(command);
      const isFile = storeKind(shell.location) === 'file';
      const whole = full === true ? [checkSettings, checkBytes] : [checkSettings];
      const checks = isFile ? [...ofMachine, ...onDisk, ...ofStore, ...whole] : [...ofMachine, ...ofStore];
      const failed: string[] = [];
      const results = async function* (): AsyncGenerator<readonly CheckResult[], void, undefined> {
        const found: CheckResult[] = [];
        for (const check of checks) {
          shell.signal.throwIfAborted();
          const result = await seen(check, shell.location);
          if (result.verdict === 'fail') failed.push(result.check);
          found.push(result);
          // What opens the store would wait for the lock in vain.
          if (check === checkLock && result.verdict === 'fail') break;
        }
        yield found;
      };
      await shell.print({ rows: results(), columns, json: jsonText });
      if (failed.length > 0) throw new Failure('check-failed', 8, `Something is wrong with: ${failed.join(', ')}.`);
    });
}

/** What a check found. One that cannot look has failed. */
async function seen(check: Check, location: string): Promise<CheckResult> {
  try {
    return await check(location);
  } catch (error) {
    const name = check.name.replace(/^check/, '').toLowerCase();
    return { check: name, verdict: 'fail', evidence: error instanceof Error ? error.message : String(error) };
  }
}
