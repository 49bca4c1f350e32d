import { writePosition, writeStreamIdentifier, writeTimestamp } from './shared.ts';
import type { Writer } from './writer.ts';

/** `ReadResp` that begins a subscription. */
export function writeConfirmation(writer: Writer, subscriptionId: string): void {
  writer.message(2, (confirmation) => confirmation.string(1, subscriptionId));
}

/** `ReadResp` that says how far a subscription with a filter has looked. */
export function writeCheckpoint(writer: Writer, position: bigint, nowMs: number): void {
  writer.message(3, (checkpoint) => {
    writePosition(checkpoint, position);
    checkpoint.message(3, (timestamp) => writeTimestamp(timestamp, nowMs));
  });
}

/** `ReadResp` for a stream that does not exist, or is deleted. */
export function writeStreamNotFound(writer: Writer, stream: string): void {
  writer.message(4, (found) => found.message(1, (identifier) => writeStreamIdentifier(identifier, stream)));
}

/** `ReadResp` that says where a stream begins, sent before its events. */
export function writeFirstRevision(writer: Writer, revision: bigint): void {
  writer.uint(5, revision);
}

/** `ReadResp` that says where a stream ends, sent after its events. */
export function writeLastRevision(writer: Writer, revision: bigint): void {
  writer.uint(6, revision);
}

/** `ReadResp` that says that a subscription is live: where in its stream, or in the log. */
export function writeCaughtUp(
  writer: Writer,
  place: { readonly revision: bigint | undefined } | { readonly position: bigint },
  nowMs: number,
): void {
  writer.message(8, (caughtUp) => {
    caughtUp.message(1, (timestamp) => writeTimestamp(timestamp, nowMs));
    if ('position' in place) caughtUp.message(3, (at) => writePosition(at, place.position));
    else if (place.revision !== undefined) caughtUp.uint(2, place.revision);
  });
}
