import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { root } from '../house/source-file.ts';
import { cannotStartPostgres, startPostgres } from '../services/postgres.ts';
import { size } from '../size.ts';
import { seeded } from './random.ts';

const isCi = process.env['CI'] === 'true';

/** Enough for a checkpoint that is set back by 100, and for batches that are killed in the middle. */
const small = '1200';
const whole = String(size(60_000, { parts: 20 }));

const databases = [
  { on: 'sqlite', skip: false },
  { on: 'postgres', skip: cannotStartPostgres() },
] as const;

/** Locally SQLite is killed, PostgreSQL is not: it takes most of the time, for the same steps. */
const killed = isCi ? databases : databases.filter(({ on }) => on === 'sqlite');

/** Locally it is killed after those that are easily done twice. */
const steps = isCi ? ['day 0', 'day 1', 'day 9', 'restore ', 'repair '] : ['day 1', 'repair '];

/** Of how many moments one is chosen to be killed at: the first day has 280, the second 10, repair and proof thousands. */
const killsWithin = isCi ? [280, 10, 3_000, 1_500] : [280, 10, 3_000];

interface Drilled {
  readonly code: number | null;
  readonly said: string;
}

/** When a drill is killed: as soon as it has said something, or after so many moments of its work. */
type Kill = { readonly after: string } | { readonly moments: number };

/** Runs the drill, and kills it when it is time. */
async function drill(words: readonly string[], kill?: Kill): Promise<Drilled> {
  const program = join(root, 'examples/drill/drill.ts');
  const child = spawn(process.execPath, ['--conditions=@daybook/source', program, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(kill !== undefined && 'moments' in kill && { DRILL_MOMENTS: '1' }) },
  });
  let said = '';
  let moments = 0;
  child.stdout.on('data', (data: Buffer) => {
    said += String(data);
    if (kill !== undefined && 'after' in kill && said.includes(kill.after)) child.kill('SIGKILL');
  });
  child.stderr.on('data', (data: Buffer) => {
    for (const line of String(data).split(/^/m)) {
      if (line === '.\n') moments += 1;
      else said += line;
    }
    if (kill !== undefined && 'moments' in kill && moments >= kill.moments) child.kill('SIGKILL');
  });
  const [code]: readonly unknown[] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, said };
}

/** A folder for drills that are killed, where no server of theirs is left in the end. */
async function drillFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'daybook-drill-test-'));
  await chmod(path, 0o711);
  const server = join(path, 'postgres/server');
  return {
    path,
    async [Symbol.asyncDispose]() {
      if (existsSync(join(server, 'data/postmaster.pid'))) {
        await using _ = await startPostgres({ folder: server }); // Ends the one that a failed test has left.
      }
      await rm(path, { recursive: true, force: true });
    },
  };
}

const inHarmony = /events lost 0, repeated 0\n {2}in harmony/;

describe('the drill', () => {
  for (const { on, skip } of databases) {
    it(`O-1 O-10 O-11 B4 raises an alert, repairs, and ends in harmony on ${on}`, { skip }, async (t) => {
      const { code, said } = await drill(['--on', on, '--events', whole]);
      t.diagnostic(said);
      assert.equal(code, 0, said);
      assert.match(said, /alert after \d+ ms, \d+ ms by the clock of the incident: shipments has failed/);
      assert.match(
        said,
        /AwaitingShipment 0@CustomerOrder-\d+ waits for [1-9]\d* s/,
        'its age is that of the incident',
      );
      assert.match(said, /within 30\.0 s: alert yes/);
      assert.match(said, inHarmony);
    });
  }

  for (const { on, skip } of killed) {
    it(`B4 killed after any step on ${on}, and begun again, it ends the same`, { skip }, async () => {
      await using folder = await drillFolder();
      const words = ['--on', on, '--events', small, '--folder', folder.path];
      for (const after of steps) {
        const { code, said } = await drill(words, { after });
        assert.equal(code, null, said);
      }
      const { code, said } = await drill(words);
      assert.equal(code, 0, said);
      assert.match(said, inHarmony);
    });

    const seed = isCi ? Date.now() : 1;
    it(
      `O-9 B4 killed within its steps on ${on}, again and again, it ends the same (seed ${seed})`,
      { skip },
      async () => {
        const random = seeded(seed);
        await using folder = await drillFolder();
        const words = ['--on', on, '--events', small, '--folder', folder.path];
        let kills = 0;
        for (const within of killsWithin) {
          const { code, said } = await drill(words, { moments: 1 + Math.floor(random() * within) });
          if (code === null) kills += 1;
          else assert.equal(code, 0, said);
        }
        assert.ok(kills >= killsWithin.length / 2, `it was killed ${kills} times only`);
        const { code, said } = await drill(words);
        assert.equal(code, 0, said);
        assert.match(said, inHarmony);
      },
    );

    it(
      `fails with a read model that counts without a guard, on ${on}: which rows, and since which event`,
      { skip },
      async () => {
        const { code, said } = await drill(['--on', on, '--events', small, '--bug', 'unguarded']);
        assert.equal(code, 1, said);
        const planted = [...said.matchAll(/(\w+) since (1@CustomerOrder-\d+)/g)].map(
          ([, row, event]) => `${row} ${event}`,
        );
        const found = [...said.matchAll(/carriers\t(\w+)\tapplied-twice\tparcels\tOrderShipped (\S+)/g)].map(
          ([, row, event]) => `${row} ${event}`,
        );
        assert.deepEqual([planted.length, found.length], [3, 3], said);
        // The carrier of the parcel at which it failed has one that was counted once behind those that were counted twice.
        assert.equal(found.filter((each) => planted.includes(each)).length, 2, said);
        assert.match(said, /events lost 0, repeated [1-9]/);
        assert.match(said, /NOT in harmony/);
      },
    );
  }

  it('fails when somebody has set the checkpoint by hand, and says which rows, and since which event', async () => {
    const { code, said } = await drill(['--on', 'sqlite', '--events', small, '--bug', 'checkpoint-by-hand']);
    assert.equal(code, 1, said);
    assert.match(said, /shipments\t\d+\tapplied-twice\tmails\tShipmentEmailSent 2@CustomerOrder-\d+/);
    assert.match(said, /events lost 0, repeated [1-9]/);
    assert.match(said, /NOT in harmony/);
  });

  if (isCi) {
    it('does SQLite and PostgreSQL in one folder, each for itself', { skip: cannotStartPostgres() }, async () => {
      await using folder = await drillFolder();
      const { code, said } = await drill(['--events', small, '--folder', folder.path]);
      assert.equal(code, 0, said);
      assert.equal(said.match(/^ {2}repair {5}daybook model repair shipments: 1,000 events/gm)?.length, 2, said);
    });
  }
});
