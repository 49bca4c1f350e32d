import { hostname, userInfo } from 'node:os';

import type { Command } from 'commander';

import { Failure, usage } from '../failure.ts';
import type { Shell } from '../shell.ts';

/** What every command takes that changes what a consumer does. */
export interface ChangeOptions {
  readonly why?: string;
  readonly who?: string;
  readonly yes?: true;
  readonly dryRun?: true;
}

/** Adds the options of a change to a command. */
export function changing(command: Command): Command {
  return command
    .option('--why <reason>', 'why, for those who come after: it is kept')
    .option('--who <name>', 'who you are (default: user@host)')
    .option('--yes', 'yes, do it')
    .option('--dry-run', 'only say what would be done');
}

/** Who wants a change, and why. Without a reason nothing is changed. */
export function reasonOf({ who, why }: ChangeOptions): { readonly who: string; readonly why: string } {
  if (why === undefined || why.trim() === '') throw usage('Say --why: the reason is kept, for those who come after.');
  return { who: who ?? `${userInfo().username}@${hostname()}`, why };
}

/**
 * Whether to go on with a change that makes events come again, or never. Shows what it would do first.
 *
 * @throws Failure `refused` without `--yes`.
 */
export async function isConfirmed(
  shell: Shell,
  { yes, dryRun }: ChangeOptions,
  preview: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  if (dryRun === true) {
    await shell.printOne({ ...preview, dryRun: true });
    return false;
  }
  if (yes === true) return true;
  const facts = Object.entries(preview).map(([name, value]) => `${name} ${String(value)}`);
  throw new Failure('refused', 10, `This would change: ${facts.join(', ')}. Say --yes, or look with --dry-run.`);
}
