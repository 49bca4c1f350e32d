import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import { allLivePages, streamLivePages } from '../memory/live-pages.ts';
import { Log, recorded } from '../memory/log.ts';
import { categoryStream } from '../store/derived-stream.ts';
import { jsonEvent } from '../store/json-event.ts';
import type { SubscribeToAllOptions, SubscribeToStreamOptions, Subscription } from '../store/options.ts';
import { position, revision } from '../store/position.ts';
import { streamName, type StreamName } from '../store/stream-name.ts';
import { bounded } from '../testing/contract-tools.ts';
import { LiveHub } from './live-hub.ts';
import { queueBytes, queueMessages } from './live-queue.ts';
import { allSubscription, streamSubscription, type ReadLivePage } from './live.ts';

const stream = streamName('Order-1');

/** A log and its hub. What is appended is in pages at once, and is published when the test says so. */
class Fixture {
  readonly log = new Log();
  readonly hub = new LiveHub();
  #published = 0;

  append(count: number, to: StreamName = stream, data: unknown = 0): void {
    for (let i = 0; i < count; i += 1) this.log.add(to, jsonEvent({ type: 'Counted', data }), 0);
  }

  publish(): void {
    const events = this.log.events.slice(this.#published).map(recorded);
    this.#published = this.log.end;
    this.hub.publish(events);
  }

  appendAndPublish(count: number, to: StreamName = stream, data: unknown = 0): void {
    this.append(count, to, data);
    this.publish();
  }

  pages(of: StreamName = stream): ReadLivePage {
    return streamLivePages(this.log, { stream: of, links: 'resolve', now: () => 0 });
  }

  follow(options: SubscribeToStreamOptions & { of?: StreamName; read?: ReadLivePage } = {}): Follower {
    const { of = stream, read = this.pages(of), ...rest } = options;
    return new Follower(streamSubscription(this.hub, { ...rest, stream: of, read }));
  }

  followAll(options: SubscribeToAllOptions = {}): Follower {
    return new Follower(allSubscription(this.hub, { ...options, read: allLivePages(this.log, options.filter) }));
  }
}

/** The pages of a subscription as text: `e7` is an event with the number 7, `c` and `f` are other messages. */
class Follower {
  readonly #pages: AsyncIterator<readonly unknown[]>;

  constructor(subscription: Subscription) {
    const pages = subscription.pages()[Symbol.asyncIterator]();
    this.#pages = {
      next: async () => {
        const turn = await pages.next();
        if (turn.done === true) return { value: undefined, done: true };
        const texts = turn.value.map((message) => {
          if (message.kind !== 'event') return `${message.kind}@${message.position}`;
          return `e${message.event.link?.revision ?? message.event.revision}`;
        });
        return { value: texts };
      },
      return: async () => {
        await pages.return?.();
        return { value: undefined, done: true };
      },
    };
  }

  async page(): Promise<string> {
    const { value, done } = await bounded(this.#pages.next());
    return done === true ? 'done' : (value as readonly string[]).join(' ');
  }

  async leave(): Promise<void> {
    await bounded(Promise.resolve(this.#pages.return?.()));
  }
}

describe('live', () => {
  it('what is published together is one page, and so is what came while the subscriber was busy', async () => {
    const f = new Fixture();
    const follower = f.follow();
    assert.equal(await follower.page(), 'caught-up@0');
    const waiting = follower.page();
    f.appendAndPublish(3);
    assert.equal(await waiting, 'e0 e1 e2');
    f.appendAndPublish(1);
    f.appendAndPublish(2);
    assert.equal(await follower.page(), 'e3 e4 e5');
  });

  it('the last page of history says that the subscriber has caught up', async () => {
    const f = new Fixture();
    f.appendAndPublish(3);
    f.appendAndPublish(2, streamName('Other-1'));
    assert.equal(await f.follow({ after: revision(0) }).page(), 'e1 e2 caught-up@5');
    assert.equal(await f.follow({ after: 'end' }).page(), 'caught-up@5');
  });

  it('only who subscribed to a stream is told of it', async () => {
    const f = new Fixture();
    const other = f.follow({ of: streamName('Other-1') });
    await other.page();
    const waiting = other.page();
    f.appendAndPublish(1000);
    f.appendAndPublish(1, streamName('Other-1'));
    assert.equal(await waiting, 'e0');
  });

  it('events published while a page was on its way are neither missed nor repeated', async () => {
    const f = new Fixture();
    f.appendAndPublish(2);
    const read = f.pages();
    let isFirst = true;
    const late: ReadLivePage = async (after, look) => {
      const page = await read(after, look);
      // The page does not have these.
      if (isFirst) f.appendAndPublish(2);
      isFirst = false;
      return page;
    };
    const follower = f.follow({ read: late });
    assert.equal(await follower.page(), 'e0 e1');
    f.appendAndPublish(1);
    assert.equal(await follower.page(), 'e2 e3 e4 caught-up@5');
    f.appendAndPublish(1);
    assert.equal(await follower.page(), 'e5');
  });

  it('a page from before the hub was joined is not the last one', async () => {
    const f = new Fixture();
    const read = f.pages();
    const pages: ReturnType<ReadLivePage>[] = [];
    const slow: ReadLivePage = async (after, look) => {
      pages.push(read(after, look));
      // The second page is as old as the first one: a replica that lags, say.
      if (pages.length === 1) f.appendAndPublish(2);
      return pages.length === 2 ? pages[0]! : pages.at(-1)!;
    };
    const follower = f.follow({ read: slow });
    assert.equal(await follower.page(), 'e0 e1 caught-up@2');
    assert.equal(pages.length, 3);
  });

  it('what a page had before it was published is not repeated when it is', async () => {
    const f = new Fixture();
    f.append(3);
    const follower = f.follow();
    assert.equal(await follower.page(), 'e0 e1 e2 caught-up@3');
    f.publish();
    f.appendAndPublish(1);
    assert.equal(await follower.page(), 'e3');
  });

  it('a derived stream is numbered on, also for what is published between pages', async () => {
    const f = new Fixture();
    const of = categoryStream('Order');
    f.appendAndPublish(2);
    const read = f.pages(of);
    let isFirst = true;
    const late: ReadLivePage = async (after, look) => {
      const page = await read(after, look);
      if (isFirst) f.appendAndPublish(1, streamName('Order-2'));
      isFirst = false;
      return page;
    };
    const follower = f.follow({ of, read: late });
    assert.equal(await follower.page(), 'e0 e1');
    f.appendAndPublish(1, streamName('Order-3'));
    f.append(1, streamName('Order-3'));
    assert.equal(await follower.page(), 'e2 e3 e4 caught-up@5');
    f.publish();
    f.appendAndPublish(2);
    assert.equal(await follower.page(), 'e5 e6');
  });

  it('who subscribes beyond the end gets nothing until the stream is there', async () => {
    const f = new Fixture();
    f.appendAndPublish(1);
    const follower = f.follow({ after: revision(3) });
    const derived = f.follow({ of: categoryStream('Order'), after: revision(3) });
    const all = f.followAll({ after: position(4) });
    for (const each of [follower, derived, all]) assert.equal(await each.page(), 'caught-up@1');
    for (let i = 0; i < 4; i += 1) f.appendAndPublish(1);
    for (const each of [follower, derived, all]) assert.equal(await each.page(), 'e4');
  });

  it('a subscriber that is too slow loses its queue, says so and reads pages', async () => {
    const f = new Fixture();
    const follower = f.follow();
    await follower.page();
    f.appendAndPublish(2);
    assert.equal(await follower.page(), 'e0 e1');
    for (let i = 0; i < 11; i += 1) f.appendAndPublish(queueMessages / 10);
    assert.equal(await follower.page(), 'fell-behind@2');
    let seen = 2;
    for (let page = ''; !page.includes('caught-up');) {
      page = await follower.page();
      for (const text of page.split(' ').filter((each) => each.startsWith('e'))) {
        assert.equal(text, `e${seen}`);
        seen += 1;
      }
    }
    assert.equal(seen, f.log.end);
    f.appendAndPublish(1);
    assert.equal(await follower.page(), `e${seen}`);
  });

  it('a queue is bounded in bytes, but always takes one event', async () => {
    const f = new Fixture();
    const follower = f.follow();
    await follower.page();
    const large = 'x'.repeat(queueBytes);
    f.appendAndPublish(1, stream, large);
    assert.equal(await follower.page(), 'e0');
    f.appendAndPublish(1, stream, large);
    f.appendAndPublish(1);
    assert.equal(await follower.page(), 'fell-behind@1');
    assert.equal(await follower.page(), 'e1 e2 caught-up@3');
  });

  it('a queue that was taken is empty', async () => {
    const f = new Fixture();
    const follower = f.follow();
    await follower.page();
    for (let i = 0; i < 5; i += 1) {
      f.appendAndPublish(1, stream, 'x'.repeat(queueBytes / 2));
      f.appendAndPublish(1);
      assert.equal(await follower.page(), `e${2 * i} e${2 * i + 1}`);
    }
  });

  it('what is skipped is read in pages', async () => {
    const f = new Fixture();
    const [follower, all] = [f.follow(), f.followAll({ after: 'end' })];
    for (const each of [follower, all]) assert.equal(await each.page(), 'caught-up@0');
    const waiting = follower.page();
    await setImmediate();
    f.append(3);
    f.hub.skip(position(3));
    assert.equal(await waiting, 'fell-behind@0');
    assert.equal(await all.page(), 'fell-behind@0');
    for (const each of [follower, all]) {
      assert.match(await each.page(), /^e0 e1 e2 caught-up@3$/);
    }
    f.hub.skip(position(2));
    assert.equal(f.hub.last, 3n);
  });

  it('who fell behind was given everything up to where the subscription last stood', async () => {
    const f = new Fixture();
    f.appendAndPublish(1);
    f.appendAndPublish(2, streamName('Other-1'));
    const follower = f.follow();
    assert.equal(await follower.page(), 'e0 caught-up@3');
    f.append(1);
    f.hub.skip(position(4));
    assert.equal(await follower.page(), 'fell-behind@3');
  });

  it('what is published out of order is a fault of the adapter', () => {
    const f = new Fixture();
    f.append(2);
    const [first, second] = f.log.events.map(recorded);
    f.hub.publish([second!]);
    assert.throws(() => f.hub.publish([first!]), assert.AssertionError);
    assert.throws(() => f.hub.publish([second!]), assert.AssertionError);
    f.hub.publish([]);
  });

  it('leaving releases everything: after the first page, while waiting, and by an error', async () => {
    const f = new Fixture();
    f.appendAndPublish(2_000);
    for (let pages = 1; pages <= 6; pages += 1) {
      const follower = f.follow();
      for (let i = 0; i < pages; i += 1) {
        const page = follower.page();
        if (i < 4) await page;
      }
      assert.equal(f.hub.subscribers, 1);
      await follower.leave();
      assert.deepEqual([f.hub.subscribers, f.hub.waiting], [0, 0]);
    }
    const failing = f.follow({ read: () => assert.fail('the disk is gone') });
    await assert.rejects(failing.page(), /the disk is gone/);
    const failingLater = f.follow({ read: async () => assert.fail('the network is gone') });
    await assert.rejects(failingLater.page(), /the network is gone/);
    const controller = new AbortController();
    const aborted = f.follow({ after: 'end', signal: controller.signal });
    await aborted.page();
    const waiting = aborted.page();
    await setImmediate();
    controller.abort(new RangeError('enough'));
    await assert.rejects(waiting, /enough/);
    assert.deepEqual([f.hub.subscribers, f.hub.waiting], [0, 0]);
  });

  it('a page that arrives after the abort, or after the hub was closed, is not given', async () => {
    const f = new Fixture();
    f.appendAndPublish(1);
    const controller = new AbortController();
    const reads = [
      { signal: controller.signal, during: () => controller.abort(new RangeError('enough')), says: /enough/ },
      { signal: undefined, during: () => f.hub[Symbol.dispose](), says: /The store is closed/ },
    ];
    for (const { signal, during, says } of reads) {
      const read: ReadLivePage = async (after, look) => {
        during();
        return f.pages()(after, look);
      };
      await assert.rejects(f.follow({ signal, read }).page(), says);
    }
    await assert.rejects(f.follow().page(), { code: 'store-closed' });
    assert.equal(f.hub.subscribers, 0);
  });

  it('closing ends who waits and who has not taken everything', async () => {
    const f = new Fixture();
    const [waiting, busy] = [f.follow(), f.followAll()];
    for (const each of [waiting, busy]) await each.page();
    const page = waiting.page();
    await setImmediate();
    f.hub[Symbol.dispose]();
    await assert.rejects(page, { code: 'store-closed' });
    await assert.rejects(busy.page(), { code: 'store-closed' });
    assert.equal(f.hub.subscribers, 0);
  });

  it('checkpoints come after every so many events looked at, in pages and live, and on going live', async () => {
    const f = new Fixture();
    f.appendAndPublish(3);
    f.appendAndPublish(4, streamName('Other-1'));
    const options = { filter: { categories: ['Order'] }, checkpointEvery: 2 };
    const follower = f.followAll(options);
    const pages = [];
    for (let page = ''; !page.includes('caught-up'); pages.push(page)) page = await follower.page();
    assert.equal(pages.join(' '), 'e0 e1 checkpoint@2 e2 checkpoint@4 checkpoint@6 checkpoint@7 caught-up@7');
    f.appendAndPublish(3, streamName('Other-1'));
    f.appendAndPublish(1);
    f.appendAndPublish(1, streamName('Other-1'));
    assert.equal(await follower.page(), 'checkpoint@9 e3 checkpoint@11');
    assert.equal(await f.followAll({ ...options, after: position(12) }).page(), 'caught-up@12');
    assert.equal(await f.followAll({ ...options, after: 'end' }).page(), 'caught-up@12');
  });

  it('a filter that throws ends its own subscription, not the append', async () => {
    const f = new Fixture();
    const follower = f.followAll({ filter: { streamMatches: { source: 'x', test: () => assert.fail('too deep') } } });
    await follower.page();
    f.appendAndPublish(1);
    await assert.rejects(follower.page(), /too deep/);
    assert.equal(f.hub.subscribers, 0);
  });

  it('a long history lets others have their turn', async () => {
    const f = new Fixture();
    f.appendAndPublish(3_000);
    const follower = f.followAll({ filter: { eventTypes: ['Nothing'] }, checkpointEvery: 1_000_000 });
    let turns = 0;
    const counting = new AbortController();
    const count = async (): Promise<void> => {
      for (; !counting.signal.aborted; turns += 1) await setImmediate();
    };
    const counted = count();
    assert.equal(await follower.page(), 'checkpoint@3000 caught-up@3000');
    counting.abort();
    await counted;
    assert.ok(turns >= 5, `only ${turns}`);
  });

  it('ten thousand who wait are all told, and those of other streams are not asked', async () => {
    const f = new Fixture();
    const mine = Array.from({ length: 1_000 }, () => f.follow());
    const others = Array.from({ length: 9_000 }, (_, index) => f.follow({ of: streamName(`Other-${index}`) }));
    await Promise.all([...mine, ...others].map(async (each) => each.page()));
    assert.equal(f.hub.subscribers, 10_000);
    f.appendAndPublish(1);
    for (const page of await Promise.all(mine.map(async (each) => each.page()))) assert.equal(page, 'e0');
    const last = others[8_999]!.page();
    f.appendAndPublish(1, streamName('Other-8999'));
    assert.equal(await last, 'e0');
    await Promise.all([...mine, ...others].map(async (each) => each.leave()));
    assert.equal(f.hub.subscribers, 0);
  });
});
