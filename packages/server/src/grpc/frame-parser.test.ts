import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import * as fc from 'fast-check';

import { FrameParser } from './frame-parser.ts';
import { frame } from './frame.ts';
import { GrpcError, status } from './status.ts';

const miB = 1024 * 1024;

function parserWith(messageBytes = miB, freeBytes = 16 * miB): { parser: FrameParser; room: { freeBytes: number } } {
  const room = { freeBytes };
  return { parser: new FrameParser(messageBytes, room), room };
}

/** The bytes in pieces of these lengths, again and again. */
function pieces(bytes: Buffer, lengths: readonly number[]): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += found.at(-1)?.length ?? 1) {
    found.push(bytes.subarray(at, at + (lengths[found.length % lengths.length] ?? 1)));
  }
  return found;
}

describe('frame parser', () => {
  it('gives the messages that were framed, in whatever pieces they come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 150_000, size: 'max' }), { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        (messages, lengths, isTiny) => {
          const { parser, room } = parserWith();
          const sent = isTiny ? messages.map((message) => message.subarray(0, 20)) : messages;
          const bytes = Buffer.concat(sent.map(frame));
          const found = pieces(bytes, isTiny ? lengths.map((length) => 1 + (length % 9)) : lengths).flatMap((piece) =>
            parser.push(piece),
          );
          assert.equal(found.length, sent.length);
          assert.ok(found.every((message, index) => message.equals(sent[index] ?? message)));
          assert.equal(parser.isInMessage, false);
          assert.equal(room.freeBytes, 16 * miB);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('random bytes give messages or a typed error, and take no more room than there is', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (chunks) => {
        const { parser, room } = parserWith();
        try {
          for (const chunk of chunks) parser.push(Buffer.from(chunk));
        } catch (error) {
          assert.ok(error instanceof GrpcError, String(error));
        }
        assert.ok(room.freeBytes >= 0);
        parser.clear();
        assert.equal(room.freeBytes, 16 * miB);
      }),
      { numRuns: 2_000 },
    );
  });

  it('a message that claims 4 GiB is refused before anything is reserved for it', () => {
    const { parser, room } = parserWith(17 * miB);
    assert.throws(() => parser.push(Buffer.from([0, 0xff, 0xff, 0xff, 0xff])), { status: status.resourceExhausted });
    assert.equal(room.freeBytes, 16 * miB);
  });

  it('the limit holds to the byte', () => {
    const { parser } = parserWith(100);
    assert.deepEqual(parser.push(frame(Buffer.alloc(100))), [Buffer.alloc(100)]);
    assert.throws(() => parser.push(frame(Buffer.alloc(101))), { status: status.resourceExhausted });
  });

  it('a claim reserves little more than what has come', () => {
    const { parser, room } = parserWith(17 * miB, 100 * miB);
    parser.push(Buffer.from([0, 0x01, 0, 0, 0, 1, 2, 3]));
    assert.ok(100 * miB - room.freeBytes <= 64 * 1024);
  });

  it('a message is refused when the unfinished ones of all calls take the room', () => {
    const { parser, room } = parserWith(miB, 64 * 1024);
    parser.push(frame(Buffer.alloc(miB)).subarray(0, 1_000));
    const other = new FrameParser(miB, room);
    assert.throws(() => other.push(frame(Buffer.alloc(miB)).subarray(0, 1_000)), { status: status.resourceExhausted });
    parser.clear();
    other.clear();
    assert.equal(room.freeBytes, 64 * 1024);
  });

  it('a compressed message is refused', () => {
    assert.throws(() => parserWith().parser.push(Buffer.from([1, 0, 0, 0, 0])), { status: status.unimplemented });
    assert.throws(() => parserWith().parser.push(Buffer.from([2, 0, 0, 0, 0])), { status: status.internal });
  });
});
