import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Where a consumer runs, and who else may. */
export interface Host {
  readonly name: string;
  /** This process, for others. */
  readonly holder: string;
  /** Whether a holder is known to be gone, so that nobody need wait for its lease to run out. `false` when in doubt. */
  isGone(holder: string): boolean;
}

/** A new name for an instance in this process. */
export function thisHost(): Host {
  const machine = machineId();
  const holder = `${machine}/${process.pid}/${crypto.randomUUID().slice(0, 8)}`;
  return { name: hostname(), holder, isGone: (other) => isGone(other, machine) };
}

function isGone(holder: string, machine: string): boolean {
  const [otherMachine, pid] = holder.split('/');
  if (machine === unknownMachine || otherMachine !== machine || !/^\d+$/.test(pid ?? '')) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

const unknownMachine = 'unknown';

/** What is the same for processes that can see each other, and for no others: the boot, and the space of process ids. */
function machineId(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8);
    const [, space = ''] = /\[(\d+)\]/.exec(readlinkSync('/proc/self/ns/pid')) ?? [];
    return `${boot}-${space}`;
  } catch {
    return unknownMachine; // No Linux: leases run out by time.
  }
}
