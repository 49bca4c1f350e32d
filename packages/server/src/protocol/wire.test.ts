import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import * as fc from 'fast-check';

import { readAppendRequest, readDeleteRequest } from './append-messages.ts';
import { readBatchRequest } from './batch-messages.ts';
import { readReadRequest } from './read-request.ts';
import { MalformedMessage, Reader } from './reader.ts';
import { readRecordsRequest, readSessionRequest } from './records-messages.ts';
import { parseUuid, readMilliseconds, readUuid, writeTimestamp, writeUuid } from './shared.ts';
import { readValue } from './value.ts';
import { encoded, framed, varintSize, writeVarint } from './writer.ts';

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** The only field of a message. */
function only<Value>(bytes: Buffer, read: (reader: Reader) => Value): Value {
  const reader = new Reader(bytes);
  assert.ok(reader.next());
  const value = read(reader);
  assert.ok(!reader.next());
  return value;
}

describe('the reader and the writer of messages', () => {
  it('keep every number of 64 bits exactly', () => {
    const edges = [
      0n,
      1n,
      127n,
      128n,
      2n ** 31n,
      2n ** 32n,
      2n ** 48n,
      2n ** 53n,
      2n ** 53n + 1n,
      2n ** 63n - 1n,
      2n ** 64n - 1n,
    ];
    for (const edge of edges)
      assert.equal(
        only(
          encoded((w) => w.uint(1, edge)),
          (r) => r.uint64(),
        ),
        edge,
      );
    fc.assert(
      fc.property(uint64, int64, (unsigned, signed) => {
        assert.equal(
          only(
            encoded((w) => w.uint(15, unsigned)),
            (r) => r.uint64(),
          ),
          unsigned,
        );
        assert.equal(
          only(
            encoded((w) => w.int(16, signed)),
            (r) => r.int64(),
          ),
          signed,
        );
        assert.equal(
          only(
            encoded((w) => w.sint(2_047, signed)),
            (r) => r.sint64(),
          ),
          signed,
        );
      }),
    );
  });

  it('measure a number as long as it is written, as a number and as a bigint', () => {
    fc.assert(
      fc.property(uint64, (value) => {
        const bytes = new Uint8Array(16);
        assert.equal(writeVarint(bytes, 0, value), varintSize(value));
        if (value > BigInt(Number.MAX_SAFE_INTEGER)) return;
        assert.equal(varintSize(Number(value)), varintSize(value));
        const same = new Uint8Array(16);
        writeVarint(same, 0, Number(value));
        assert.deepEqual(same, bytes);
      }),
    );
  });

  it('keep texts, bytes, doubles and messages within messages, whatever their size', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 400 }).map((text) => text.toWellFormed());
    fc.assert(
      fc.property(texts, fc.uint8Array({ maxLength: 20_000 }), fc.double(), (text, data, double) => {
        const bytes = encoded((w) =>
          w.message(3, (inner) =>
            inner
              .string(1, text)
              .message(2, (deeper) => deeper.bytes(9, data))
              .double(3, double),
          ),
        );
        const inner = only(bytes, (r) => r.message());
        assert.ok(inner.next());
        assert.equal(inner.string(), text);
        assert.ok(inner.next());
        const deeper = inner.message();
        assert.ok(deeper.next());
        assert.deepEqual(new Uint8Array(deeper.bytes()), data);
        assert.ok(inner.next());
        assert.ok(Object.is(inner.double(), double));
      }),
    );
  });

  it('give UUIDs back from both forms', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        for (const form of ['string', 'structured'] as const) {
          const bytes = encoded((w) => writeUuid(w, uuid, form));
          assert.equal(readUuid(new Reader(bytes)), uuid);
        }
        assert.equal(parseUuid(uuid.toUpperCase().replaceAll('-', '')), uuid);
      }),
    );
    assert.throws(() => parseUuid('not-a-uuid'), MalformedMessage);
  });

  it('give times back to the millisecond', () => {
    for (const ms of [0, 1, 999, 1_700_000_000_123, -1]) {
      assert.equal(readMilliseconds(new Reader(encoded((w) => writeTimestamp(w, ms)))), ms);
    }
  });

  it('put a frame around a message', () => {
    const bytes = framed((w) => w.string(1, 'abc'));
    assert.deepEqual([...bytes], [0, 0, 0, 0, 5, 0x0a, 3, 97, 98, 99]);
  });

  it('pass over fields that nobody knows', () => {
    const bytes = encoded((w) =>
      w
        .uint(100, 7)
        .bytes(101, Buffer.from('x'))
        .double(102, 1)
        .message(1, (o) => o.uint(77, 1).message(5)),
    );
    assert.deepEqual(readDeleteRequest(new Reader(bytes)), { stream: '', expected: 'stream-exists' });
  });

  it('refuse values that are nested too deep', () => {
    const nested = (depth: number): Buffer =>
      depth === 0
        ? encoded((w) => w.bool(4, true))
        : encoded((w) => w.message(6, (list) => list.bytes(1, nested(depth - 1))));
    assert.deepEqual(readValue(new Reader(nested(2))), [[true]]);
    assert.throws(() => readValue(new Reader(nested(200))), MalformedMessage);
  });
});

describe('bytes from outside', () => {
  const readers: Readonly<Record<string, (reader: Reader) => unknown>> = {
    ReadReq: readReadRequest,
    AppendReq: readAppendRequest,
    BatchAppendReq: (reader) => readBatchRequest(reader, 0),
    DeleteReq: readDeleteRequest,
    AppendRequest: readSessionRequest,
    AppendRecordsRequest: readRecordsRequest,
    Value: readValue,
  };
  /** Bytes that look like messages: tags, small lengths, and anything. */
  const messages = fc.letrec<{ message: Uint8Array; field: Uint8Array }>((tie) => ({
    message: fc.array(tie('field'), { maxLength: 4 }).map((fields) => Buffer.concat(fields)),
    field: fc.oneof(
      { maxDepth: 5 },
      fc.tuple(fc.integer({ min: 1, max: 12 }), uint64).map(([field, value]) => encoded((w) => w.uint(field, value))),
      fc
        .tuple(fc.integer({ min: 1, max: 12 }), fc.string())
        .map(([field, text]) => encoded((w) => w.string(field, text))),
      fc
        .tuple(fc.integer({ min: 1, max: 12 }), tie('message'))
        .map(([field, inner]) => encoded((w) => w.bytes(field, inner))),
    ),
  })).message;

  for (const [name, read] of Object.entries(readers)) {
    it(`are a ${name} or a MalformedMessage, and never more is read than there is`, () => {
      fc.assert(
        fc.property(fc.oneof(messages, fc.uint8Array({ maxLength: 64 })), fc.nat(), (bytes, cut) => {
          // What stands before and behind the message must not matter.
          const around = Buffer.concat([Buffer.alloc(3, 0xff), bytes, Buffer.alloc(300, 0x0a)]);
          const end = 3 + bytes.length - (cut % 3 === 0 ? cut % (bytes.length + 1) : 0);
          const alone = outcome(read, new Reader(Buffer.from(around.subarray(3, end))));
          assert.deepEqual(outcome(read, new Reader(around, 3, end)), alone);
        }),
        { numRuns: 500 },
      );
    });
  }
});

function outcome(read: (reader: Reader) => unknown, reader: Reader): unknown {
  try {
    return read(reader);
  } catch (error) {
    if (error instanceof MalformedMessage) return error.message;
    throw error;
  }
}
