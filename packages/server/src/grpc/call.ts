/** One gRPC call, whatever its kind: messages come in, messages go out, and it ends with a status. */
export interface Call {
  /** Aborts when the client cancels, its connection is lost, its deadline passes or the server shuts down. */
  readonly signal: AbortSignal;
  /** The client's messages, without their frames, as they come. Ends when the client has half-closed. */
  readonly messages: AsyncIterable<Buffer>;
  /**
   * Sends bytes that hold one or more framed messages. Resolves when more may be sent: at once, or, when the client is
   * slow, when it has drained. Rejects with `signal.reason` after an abort. Only in a shutdown does what fits still go
   * out, so that an append that was stored is answered.
   */
  send(frames: Uint8Array): Promise<void> | undefined;
  /**
   * The only message that is sent, framed, by a handler that sends one. It goes out together with the status when the
   * handler is done, which costs less than to send it.
   */
  answer(frame: Uint8Array): void;
}

/** Answers one method. Returning ends the call with OK; a GrpcError ends it with its status. */
export type Handler = (call: Call) => Promise<void>;

/** Handlers by path: `/package.Service/Method`. */
export type Methods = Readonly<Record<string, Handler>>;
