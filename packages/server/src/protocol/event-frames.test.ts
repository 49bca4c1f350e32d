import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { position, revision, streamName, type PackedPage, type RecordedEvent } from 'daybook';
import * as fc from 'fast-check';

import { EventFrames, type ReadEvent } from './event-frames.ts';
import { packedFrames } from './packed-frames.ts';
import { Reader } from './reader.ts';
import { readStreamIdentifier, readUuid } from './shared.ts';

const counter = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });

const event: fc.Arbitrary<RecordedEvent> = fc.record({
  stream: fc
    .string({ minLength: 1, unit: 'grapheme', maxLength: 60 })
    .map((name) => streamName(`s${name.toWellFormed()}`)),
  revision: counter.map((value) => revision(value)),
  position: counter.map((value) => position(value)),
  id: fc.uuid(),
  type: fc.string({ minLength: 1, unit: 'grapheme', maxLength: 40 }).map((type) => type.toWellFormed()),
  data: fc.uint8Array({ maxLength: 300 }),
  metadata: fc.uint8Array({ maxLength: 200 }),
  contentType: fc.constantFrom('application/json' as const, 'application/octet-stream' as const),
  created: fc.integer({ min: 0, max: 4_000_000_000_000 }).map((ms) => new Date(ms)),
});

/** An event whose position is in a log: as a number, no digit of it is lost. */
const packable: fc.Arbitrary<RecordedEvent> = fc
  .tuple(event, fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }))
  .map(([one, at]) => ({ ...one, position: position(at) }));

const given: fc.Arbitrary<ReadEvent> = fc.oneof(
  event.map((one) => ({ event: one })),
  fc.record({ event, link: event }),
  event.map((link) => ({ link })),
);

describe('the frames of events', () => {
  for (const form of ['string', 'structured'] as const) {
    it(`hold every field of every event, with ids in the ${form} form`, () => {
      fc.assert(
        fc.property(fc.array(given, { maxLength: 8 }), (events) => {
          const expected = events.map((one) => ({
            event: one.event === undefined ? undefined : fields(one.event),
            link: one.link === undefined ? undefined : fields(one.link),
            position: (one.link ?? one.event)?.position,
          }));
          assert.deepEqual(messagesIn(new EventFrames(form).frames(events)).map(readResponse), expected);
        }),
      );
    });
  }

  for (const form of ['string', 'structured'] as const) {
    it(`are the same, to the byte, when they are made of packed events, with ids in the ${form} form`, () => {
      fc.assert(
        fc.property(fc.array(packable, { maxLength: 8 }), (events) => {
          const expected = new EventFrames(form).frames(events.map((one) => ({ event: one })));
          const page = packed(events);
          assert.deepEqual(packedFrames(page, page.events, form), expected);
        }),
      );
    });
  }

  it('give the id in the form that was asked for', () => {
    const [one] = fc.sample(event, 1);
    assert.ok(one !== undefined);
    assert.ok(new EventFrames('string').frames([{ event: one }]).includes(one.id));
    assert.ok(!new EventFrames('structured').frames([{ event: one }]).includes(one.id));
  });

  it('say every time exactly, whichever number of digits it has', () => {
    const [one] = fc.sample(event, 1);
    assert.ok(one !== undefined);
    for (const ms of [0, 1, 999_999_999_999, 1e12, 1_790_000_000_001, 9_999_999_999_999, 1e13, 8.64e15]) {
      const [message] = messagesIn(new EventFrames('string').frames([{ event: { ...one, created: new Date(ms) } }]));
      assert.ok(message !== undefined);
      const { event: found } = readResponse(message) as { event: { created: string } }; // As `readEvent` makes it.
      assert.equal(found.created, String(BigInt(ms) * 10_000n));
    }
  });

  it('stay right when more types come than are remembered, and reserve little more than they need', () => {
    const [one] = fc.sample(event, 1);
    assert.ok(one !== undefined);
    const data = Buffer.alloc(300);
    const events = Array.from({ length: 2_000 }, (_, index) => ({ event: { ...one, data, type: `T${index}` } }));
    const frames = new EventFrames('string').frames(events);
    const types = messagesIn(frames).map(
      (message) => (readResponse(message) as { event: { type: string } }).event.type,
    );
    assert.deepEqual(
      types,
      events.map(({ event: { type } }) => type),
    );
    assert.ok(frames.buffer.byteLength < 3 * frames.length, `${frames.buffer.byteLength} for ${frames.length}`);
  });
});

/** The same events as bytes, with something before each of them. */
function packed(events: readonly RecordedEvent[]): PackedPage {
  const parts: Buffer[] = [];
  let end = 0;
  const add = (bytes: Uint8Array): number => {
    parts.push(Buffer.from(bytes));
    end += bytes.length;
    return end - bytes.length;
  };
  const located = events.map((one) => {
    add(Buffer.from('between'));
    const idAt = add(Buffer.from(one.id.replaceAll('-', ''), 'hex'));
    const [typeAt, streamAt] = [add(Buffer.from(one.type)), add(Buffer.from(one.stream))];
    const [metadataAt, dataAt] = [add(one.metadata), add(one.data)];
    const { contentType, created } = one;
    const own = one.revision > Number.MAX_SAFE_INTEGER ? one.revision : Number(one.revision);
    const facts = { position: Number(one.position), revision: own, contentType, createdMs: created.getTime() };
    return { ...facts, idAt, typeAt, streamAt, metadataAt, dataAt, end };
  });
  return { bytes: Buffer.concat(parts), events: located };
}

/** What a client must find in an event. */
function fields({ created, ...rest }: RecordedEvent): unknown {
  return { ...rest, prepare: rest.position, created: String(BigInt(created.getTime()) * 10_000n) };
}

function messagesIn(frames: Buffer): readonly Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < frames.length;) {
    assert.equal(frames[at], 0);
    const end = at + 5 + frames.readUInt32BE(at + 1);
    messages.push(frames.subarray(at + 5, end));
    at = end;
  }
  return messages;
}

function readResponse(message: Buffer): unknown {
  const response = new Reader(message);
  assert.ok(response.next());
  assert.equal(response.field, 1);
  const reader = response.message();
  assert.ok(!response.next());
  const found: Record<string, unknown> = { event: undefined, link: undefined, position: undefined };
  while (reader.next()) {
    if (reader.field === 1) found['event'] = readEvent(reader.message());
    else if (reader.field === 2) found['link'] = readEvent(reader.message());
    else found['position'] = reader.uint64();
  }
  return found;
}

function readEvent(reader: Reader): unknown {
  const metadataMap: Record<string, string> = {};
  const found = { id: '', stream: '', revision: 0n, prepare: 0n, position: 0n };
  let metadata = new Uint8Array(0);
  let data = new Uint8Array(0);
  while (reader.next()) {
    if (reader.field === 1) found.id = readUuid(reader.message());
    else if (reader.field === 2) found.stream = readStreamIdentifier(reader.message());
    else if (reader.field === 3) found.revision = reader.uint64();
    else if (reader.field === 4) found.prepare = reader.uint64();
    else if (reader.field === 5) found.position = reader.uint64();
    else if (reader.field === 6) {
      const entry = reader.message();
      assert.ok(entry.next());
      const key = entry.string();
      assert.ok(entry.next());
      metadataMap[key] = entry.string();
    } else if (reader.field === 7) metadata = new Uint8Array(reader.bytes());
    else data = new Uint8Array(reader.bytes());
  }
  const { type, created } = metadataMap;
  return { ...found, type, created, contentType: metadataMap['content-type'], metadata, data };
}
