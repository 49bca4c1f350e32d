import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { consumer, readCheckpoint, readStatus, type HandlerContext } from 'daybook/consumer';
import { openSqliteStore } from 'daybook/sqlite';

import { startChild } from '../crash/support/child.ts';
import { diskFolder } from '../crash/support/folder.ts';
import { placed, World } from './support/world.ts';

const place = { source: placed, consumer: 'Leaking' };

function leaking(handle: (context: HandlerContext) => unknown, attempts = 2): ReturnType<typeof consumer> {
  return consumer('Leaking', {
    from: placed,
    startAt: 'beginning',
    retry: { attempts },
    handle: (_, context) => void handle(context),
  });
}

describe('R14: a handler that leaks', () => {
  it('R14: forgets to wait for an effect through once: the checkpoint waits for it all the same', async () => {
    await using world = new World();
    const sent = Promise.withResolvers<void>();
    await world.run(leaking(({ once }) => once({ key: 'mail' }, () => sent.promise)));
    await world.place('a');
    await world.clock.advance(5_000);
    assert.equal((await readCheckpoint(world.memory, place))?.pos, -1n);
    sent.resolve();
    await world.clock.advance(5_000);
    assert.equal((await readCheckpoint(world.memory, place))?.pos, 0n);
  });

  it('R14: forgets to wait for an effect through once that fails: it has failed, and says why', async () => {
    await using world = new World();
    let tries = 0;
    const fails = async (): Promise<never> => {
      tries += 1;
      await world.clock.sleep(10);
      throw new Error('No mail today.');
    };
    const run = await world.run(leaking(({ once }) => once({ key: 'mail' }, fails)));
    await world.place('a');
    await world.clock.advance(60_000);
    assert.equal(tries, 2);
    assert.equal(run.state, 'failed');
    assert.match(JSON.stringify(await readStatus(world.memory, 'Leaking')), /No mail today/);
  });

  it('R14: listens to its signal and never stops: what it keeps is gone with its event', async () => {
    await using world = new World();
    const kept: WeakRef<object>[] = [];
    const listens = ({ signal }: HandlerContext): void => {
      const mail = { text: 'x'.repeat(10_000) };
      kept.push(new WeakRef(mail));
      signal.addEventListener('abort', () => mail.text.length);
    };
    await world.run(leaking(listens));
    await world.place(...Array.from({ length: 200 }, (_, i) => i));
    await world.clock.advance(5_000);
    assert.equal(kept.length, 200);
    collectGarbage();
    assert.ok(kept.filter((each) => each.deref() !== undefined).length < 20, 'signals are kept for as long as it runs');
  });

  it('R14: forgets to wait for anything else that fails later: the process ends and says so, and another goes on', async () => {
    using folder = diskFolder();
    const path = folder.file('x.db');
    const program = new URL('leaking-child.ts', import.meta.url);
    await using forgetful = startChild(program, { args: ['fail'] });
    await forgetful.ready;
    forgetful.send(path);
    const { code, errors } = await forgetful.ended;
    assert.equal(code, 1);
    assert.match(errors, /Nobody waits for this mail/);
    await using careful = startChild(program);
    await careful.ready;
    careful.send(path);
    assert.equal((await careful.ended).code, 0);
    await using store = await openSqliteStore(path);
    assert.equal((await readCheckpoint(store, place))?.pos, 1n);
  });
});

/** Only what somebody can reach is there afterwards. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new TypeError('There is no way to collect garbage.');
  collect();
}
