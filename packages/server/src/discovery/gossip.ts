import type { Handler } from '../grpc/call.ts';
import { frame } from '../grpc/frame.ts';
import { bytesField, numberField } from './protobuf.ts';

/** Described by the public KurrentDB interface. */
export const gossipPath = '/event_store.client.gossip.Gossip/Read';

/** One node as its clients see it. */
export interface Node {
  /** A UUID. */
  readonly id: string;
  /** Where clients reach it. */
  readonly host: string;
  readonly port: number;
}

const leader = 8;

/** Tells a client which nodes there are: this one, which leads and lives. */
export function gossip(node: Node, now: () => number = Date.now): Handler {
  return async (call) => {
    call.answer(frame(clusterInfo(node, now())));
  };
}

function clusterInfo({ id, host, port }: Node, nowMs: number): Buffer {
  const [most, least] = halves(id);
  return bytesField(
    1,
    bytesField(1, bytesField(1, numberField(1, most), numberField(2, least))),
    numberField(2, BigInt(nowMs) * 10_000n), // In tenths of microseconds.
    numberField(3, leader),
    numberField(4, true),
    bytesField(5, bytesField(1, host), numberField(2, port)),
  );
}

/** The two halves of a UUID, most significant first. */
function halves(id: string): readonly [bigint, bigint] {
  const digits = id.replaceAll('-', '');
  return [BigInt(`0x${digits.slice(0, 16)}`), BigInt(`0x${digits.slice(16)}`)];
}
