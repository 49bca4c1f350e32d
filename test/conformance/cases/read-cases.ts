import assert from 'node:assert/strict';

import type { AllStreamResolvedEvent, ResolvedEvent } from '@kurrent/kurrentdb-client';

import { all, newStream, numbered, refused, type ClientCase } from '../support/client-case.ts';

/** Reads through the official clients. */
export const readCases: readonly ClientCase[] = [
  {
    name: 'a stream is read from its start, its end and a revision, both ways',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      await client.appendToStream(stream, numbered(context, 5));
      const read = async (options: Parameters<typeof client.readStream>[1]): Promise<unknown> =>
        revisions(await all(client.readStream(stream, options)));
      assert.deepEqual(await read({}), [0n, 1n, 2n, 3n, 4n]);
      assert.deepEqual(await read({ direction: 'backwards', fromRevision: 'end' }), [4n, 3n, 2n, 1n, 0n]);
      assert.deepEqual(await read({ fromRevision: 2n, maxCount: 2 }), [2n, 3n]);
      assert.deepEqual(await read({ direction: 'backwards', fromRevision: 2n, maxCount: 2 }), [2n, 1n]);
      assert.deepEqual(await read({ fromRevision: 9n }), []);
    },
  },
  {
    name: 'a stream that never was is not found',
    run: async ({ client }) => {
      await refused('stream-not-found', () => all(client.readStream(newStream())));
    },
  },
  {
    name: 'a long stream comes whole, and a reader may leave',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      await client.appendToStream(stream, numbered(context, 3_000));
      assert.equal((await all(client.readStream(stream))).length, 3_000);
      for await (const { event } of client.readStream(stream)) {
        assert.equal(event?.revision, 0n);
        break;
      }
      assert.equal((await all(client.readStream(stream, { maxCount: 1 }))).length, 1);
    },
  },
  {
    name: '$all is read from a position: itself included forwards, left out backwards',
    run: async (context) => {
      const { client } = context;
      const { position } = await client.appendToStream(newStream(), numbered(context, 1, 'Before'));
      await client.appendToStream(newStream(), numbered(context, 4));
      const from = async (options: Parameters<typeof client.readAll>[0]): Promise<readonly AllStreamResolvedEvent[]> =>
        all(client.readAll(options));
      assert.ok(position !== undefined);
      const events = await from({ fromPosition: position });
      assert.deepEqual(numbers(events), [0, 0, 1, 2, 3]);
      const place = events[3]?.event?.position;
      assert.ok(place !== undefined);
      assert.deepEqual(numbers(await from({ fromPosition: place })), [2, 3]);
      const before = await from({ fromPosition: place, direction: 'backwards', maxCount: 3 });
      assert.deepEqual(numbers(before), [1, 0, 0]);
      const last = await from({ fromPosition: 'end', direction: 'backwards', maxCount: 1 });
      assert.deepEqual(numbers(last), [3]);
    },
  },
  {
    name: 'filters by prefix and by expression apply to stream names and event types',
    only: '@kurrent/kurrentdb-client', // The older one filters subscriptions only.
    run: async (context) => {
      const { client, library } = context;
      const mark = crypto.randomUUID().slice(0, 8);
      await client.appendToStream(`Left${mark}-1`, numbered(context, 1, `Opened${mark}`));
      await client.appendToStream(`Right${mark}-1`, numbered(context, 1, `Closed${mark}`));
      const streams = async (filter: Parameters<typeof client.readAll>[0]): Promise<unknown> =>
        (await all(client.readAll(filter))).map(({ event }) => event?.streamId);
      const { streamNameFilter, eventTypeFilter } = library;
      assert.deepEqual(await streams({ filter: streamNameFilter({ prefixes: [`Left${mark}`] }) }), [`Left${mark}-1`]);
      assert.deepEqual(await streams({ filter: streamNameFilter({ regex: `^R.*${mark}` }) }), [`Right${mark}-1`]);
      assert.deepEqual(await streams({ filter: eventTypeFilter({ prefixes: [`Closed${mark}`] }) }), [`Right${mark}-1`]);
      assert.deepEqual(await streams({ filter: eventTypeFilter({ regex: `^(Opened|Shut)${mark}$` }) }), [
        `Left${mark}-1`,
      ]);
      await assert.rejects(all(client.readAll({ filter: streamNameFilter({ regex: '(?=a)b(' }) })));
    },
  },
  {
    name: 'a derived stream gives links, or the events with their links',
    run: async (context) => {
      const { client } = context;
      const category = `Derived${crypto.randomUUID().slice(0, 8)}`;
      const stream = newStream(category);
      await client.appendToStream(stream, numbered(context, 3, `${category}Done`));
      for (const derived of [`$ce-${category}`, `$et-${category}Done`]) {
        const links = await all(client.readStream(derived, { resolveLinkTos: false }));
        assert.deepEqual(
          links.map(({ event }) => [event?.type, text(event?.data)]),
          [0, 1, 2].map((number) => ['$>', `${number}@${stream}`]),
        );
        const events = await all(client.readStream(derived, { resolveLinkTos: true }));
        assert.deepEqual(numbers(events), [0, 1, 2]);
        for (const [number, { event, link }] of events.entries()) {
          assert.equal(event?.streamId, stream);
          assert.equal(link?.streamId, derived);
          assert.equal(link?.revision, BigInt(number));
          assert.equal(link?.id, links[number]?.event?.id);
        }
      }
    },
  },
  {
    name: 'a link that somebody appended leads to its event, as long as that is there',
    run: async (context) => {
      const { client, library } = context;
      const [target, list] = [newStream('a@b'), newStream()];
      await client.appendToStream(target, numbered(context, 2));
      const link = (body: string): ReturnType<typeof library.binaryEvent> =>
        library.binaryEvent({ type: '$>', data: Buffer.from(body) });
      await client.appendToStream(list, [link(`1@${target}`), link(`7@${target}`), link('no link')]);
      const [found, gone, odd] = await all(client.readStream(list, { resolveLinkTos: true }));
      assert.equal(found?.event?.streamId, target);
      assert.equal(found?.event?.revision, 1n);
      assert.equal(found?.link?.streamId, list);
      assert.equal(gone?.event, undefined);
      assert.equal(gone?.link?.revision, 1n);
      assert.equal(odd?.event?.type, '$>');
      assert.equal(odd?.link, undefined);
      await client.tombstoneStream(target);
      const [closed] = await all(client.readStream(list, { resolveLinkTos: true, maxCount: 1 }));
      assert.equal(closed?.event, undefined);
    },
  },
];

function revisions(events: readonly ResolvedEvent[]): unknown {
  return events.map(({ event }) => event?.revision);
}

function numbers(events: readonly (ResolvedEvent | AllStreamResolvedEvent)[]): unknown {
  return events.map(({ event }) => Reflect.get(Object(event?.data), 'number'));
}

function text(data: unknown): string {
  return data instanceof Uint8Array ? new TextDecoder().decode(data) : '';
}
