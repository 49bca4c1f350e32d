import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';

import type { Handler, Methods } from './call.ts';
import type { MessageRoom } from './frame-parser.ts';
import { Http2Call } from './http2-call.ts';
import type { CallLimits } from './limits.ts';
import { GrpcError, status } from './status.ts';

/** Makes a status of what a handler threw. */
export type ToGrpcError = (error: unknown) => GrpcError;

export interface CallServerOptions {
  readonly methods: Methods;
  readonly limits: CallLimits;
  /** Is asked about everything that is not a GrpcError. */
  readonly toGrpcError: ToGrpcError;
}

/** Answers gRPC calls on sessions of HTTP/2, and knows which are under way. */
export class CallServer {
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #limits: CallLimits;
  readonly #toGrpcError: ToGrpcError;
  readonly #room: MessageRoom;
  readonly #calls: Set<Http2Call> = new Set();
  #onIdle: (() => void) | undefined;
  #isShutDown = false;

  constructor({ methods, limits, toGrpcError }: CallServerOptions) {
    this.#handlers = new Map(Object.entries(methods));
    this.#limits = limits;
    this.#toGrpcError = toGrpcError;
    this.#room = { freeBytes: limits.unfinishedBytes };
  }

  /** Calls whose handlers are at work. */
  get calls(): number {
    return this.#calls.size;
  }

  /** Answers the calls of a session. */
  serve(session: ServerHttp2Session): void {
    session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => this.#answer(stream, headers));
  }

  /** Aborts all calls and those that still come, and waits until their handlers are done. */
  async shutDown(): Promise<void> {
    this.#isShutDown = true;
    for (const call of this.#calls) call.shutDown();
    if (this.#calls.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const refused = httpStatusOf(headers);
    if (refused !== undefined) {
      stream.on('error', () => {}); // The client went away.
      stream.resume();
      stream.respond({ ':status': refused }, { endStream: true });
      return;
    }
    const call = new Http2Call(stream, headers, this.#limits, this.#room);
    const path = headers[':path'] ?? '';
    const handler = this.#handlers.get(path);
    if (handler === undefined) {
      call.fail(new GrpcError(status.unimplemented, `The server has no method ${path}`));
      return;
    }
    this.#calls.add(call);
    if (this.#isShutDown) call.shutDown();
    void this.#run(call, handler);
  }

  async #run(call: Http2Call, handler: Handler): Promise<void> {
    try {
      await handler(call);
      call.succeed();
    } catch (error) {
      call.fail(error instanceof GrpcError ? error : this.#toGrpcError(error));
    } finally {
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#onIdle?.();
    }
  }
}

/** Says nothing about what happened inside: a client learns only what an error was made to tell it. */
export function unknownError(): GrpcError {
  return new GrpcError(status.unknown, 'The server failed in a way that it does not know.');
}

/** The HTTP status for what is no gRPC call. */
function httpStatusOf(headers: IncomingHttpHeaders): number | undefined {
  if (headers[':method'] !== 'POST') return 405;
  return /^application\/grpc(?:\+proto)?(?:;|$)/.test(headers['content-type'] ?? '') ? undefined : 415;
}
