import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { root } from '../house/source-file.ts';
import { cannotStartPostgres } from '../services/postgres.ts';
import { size } from '../size.ts';

/** More than enough for a checkpoint that is set back by 100. */
const events = String(Math.max(1_200, size(3_000)));

/** In CI it is killed at every step, else at those that are easily done twice. */
const steps = process.env['CI'] === 'true' ? ['day 0', 'day 1', 'day 9', 'restore ', 'repair '] : ['day 1', 'repair '];

interface Drilled {
  readonly code: number | null;
  readonly said: string;
}

/** Runs the drill, and kills it as soon as it has said `killAfter`. */
async function drill(words: readonly string[], killAfter?: string): Promise<Drilled> {
  const program = join(root, 'examples/drill/drill.ts');
  const child = spawn(process.execPath, ['--conditions=@daybook/source', program, '--events', events, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const hear = (data: Buffer): void => {
    said += String(data);
    if (killAfter !== undefined && said.includes(killAfter)) child.kill('SIGKILL');
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const [code]: readonly unknown[] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, said };
}

describe('the drill', () => {
  it('O-1 O-10 O-11 B4 raises an alert, repairs, and ends in harmony on SQLite; killed at any step and begun again, too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'daybook-drill-test-'));
    try {
      const words = ['--on', 'sqlite', '--folder', folder];
      for (const step of steps) {
        const { code, said } = await drill(words, step);
        assert.equal(code, null, said);
      }
      const { code, said } = await drill(words);
      assert.equal(code, 0, said);
      assert.match(said, /events lost 0, repeated 0\n {2}in harmony/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('ends in harmony on PostgreSQL', { skip: cannotStartPostgres() }, async () => {
    const { code, said } = await drill(['--on', 'postgres']);
    assert.equal(code, 0, said);
    assert.match(said, /alert after \d+ ms: shipments has failed/);
    assert.match(said, /events lost 0, repeated 0\n {2}in harmony/);
  });

  it('fails when somebody has set the checkpoint by hand, and says which rows, and since which event', async () => {
    const { code, said } = await drill(['--on', 'sqlite', '--bug']);
    assert.equal(code, 1, said);
    assert.match(said, /shipments\t\d+\tapplied-twice\tmails\tShipmentEmailSent 2@CustomerOrder-\d+/);
    assert.match(said, /events lost 0, repeated [1-9]/);
    assert.match(said, /NOT in harmony/);
  });
});
