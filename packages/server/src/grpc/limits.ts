/** What a gRPC call may cost. Sizes are in bytes. */
export interface CallLimits {
  /** The largest message that a client may send. */
  readonly messageBytes: number;
  /** Incoming messages that wait for their handler: above this, the client is held back. */
  readonly incomingBytes: number;
  /** Outgoing bytes that wait for the client: above this, the handler is held back. */
  readonly outgoingBytes: number;
  /** Unfinished messages of all calls together: a call that would go above this is refused. */
  readonly unfinishedBytes: number;
}

const kiB = 1024;
const miB = 1024 * kiB;

export const defaultCallLimits: CallLimits = {
  messageBytes: 17 * miB,
  incomingBytes: miB,
  outgoingBytes: 64 * kiB,
  unfinishedBytes: 256 * miB,
};
