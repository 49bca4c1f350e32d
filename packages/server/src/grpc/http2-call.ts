import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';

import type { Call } from './call.ts';
import { FrameParser, type MessageRoom } from './frame-parser.ts';
import { handled, Inbox } from './inbox.ts';
import type { CallLimits } from './limits.ts';
import { GrpcError, status } from './status.ts';
import { timeoutMs } from './timeout.ts';
import { errorTrailers, okTrailers, type Trailers } from './trailers.ts';

const responseHeaders = { ':status': 200, 'content-type': 'application/grpc+proto' };

/** Timers of JavaScript go no further. A call that may take longer has no deadline. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * A gRPC call over a stream of HTTP/2. It does not keep its headers: thousands of calls wait for events, and their
 * headers would be a third of what each of them takes.
 */
export class Http2Call implements Call {
  readonly messages: Inbox;
  readonly #stream: ServerHttp2Stream;
  readonly #parser: FrameParser;
  readonly #limits: CallLimits;
  #controller: AbortController | undefined;
  #reason: GrpcError | undefined;
  #isShutDown = false;
  #isFinished = false;
  #drained: PromiseWithResolvers<void> | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #trailers: Trailers = okTrailers;
  #answer: Uint8Array | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, limits: CallLimits, room: MessageRoom) {
    this.#stream = stream;
    this.#limits = limits;
    this.#parser = new FrameParser(limits.messageBytes, room);
    this.messages = new Inbox(limits.incomingBytes, {
      onFull: () => stream.pause(),
      onEmptied: () => stream.resume(),
    });
    this.#listen();
    this.#startDeadline(headers['grpc-timeout']);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  send(frames: Uint8Array): Promise<void> | undefined {
    const reason = this.#refusal();
    if (reason !== undefined) return handled(Promise.reject(reason));
    if (!this.#stream.headersSent) this.#stream.respond(responseHeaders, { waitForTrailers: true });
    // `write` says false from 16 KiB on, where one page of a read would already wait.
    if (this.#stream.write(frames) || this.#stream.writableLength <= this.#limits.outgoingBytes) return undefined;
    if (this.#isShutDown && this.#reason !== undefined) return handled(Promise.reject(this.#reason));
    if (this.#drained === undefined) {
      this.#drained = Promise.withResolvers();
      this.#stream.once('drain', () => this.#drain());
    }
    return handled(this.#drained.promise);
  }

  answer(frame: Uint8Array): void {
    this.#answer = frame;
  }

  /** Ends the call with OK. */
  succeed(): void {
    this.#finish(okTrailers, this.#answer);
  }

  /** Ends the call with the status of an error. */
  fail(error: GrpcError): void {
    this.#finish(errorTrailers(error));
  }

  /** Aborts what the handler does. What is done already may still be sent, and the handler ends the call. */
  shutDown(): void {
    this.#isShutDown = true;
    this.#abort(new GrpcError(status.unavailable, 'Server is shutting down'));
  }

  #refusal(): GrpcError | undefined {
    if (this.#isFinished || this.#stream.destroyed || this.#stream.closed) return this.#reason ?? cancelled();
    return this.#isShutDown ? undefined : this.#reason;
  }

  #listen(): void {
    const stream = this.#stream;
    stream.on('data', (bytes: Buffer) => this.#receive(bytes));
    stream.on('end', () => this.#halfClose());
    stream.on('wantTrailers', () => this.#sendTrailers());
    stream.on('error', () => this.#cancel());
    stream.on('close', () => {
      this.#cancel();
      this.#parser.clear();
    });
  }

  #drain(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #startDeadline(header: string | readonly string[] | undefined): void {
    if (typeof header !== 'string') return;
    try {
      const ms = timeoutMs(header);
      if (ms <= longestTimerMs) this.#deadline = setTimeout(() => this.#endEarly(deadlinePassed()), ms);
    } catch (error) {
      this.#endEarly(error as GrpcError); // All that `timeoutMs` throws.
    }
  }

  #receive(bytes: Buffer): void {
    if (this.#isFinished) return;
    try {
      for (const message of this.#parser.push(bytes)) this.messages.push(message);
    } catch (error) {
      this.#endEarly(error as GrpcError); // All that a FrameParser throws.
    }
  }

  #halfClose(): void {
    if (this.#isFinished) return;
    if (this.#parser.isInMessage) {
      this.#endEarly(new GrpcError(status.internal, 'The last message of the client is incomplete.'));
    } else {
      this.messages.end();
    }
  }

  /** Ends the call now, whatever its handler is at. */
  #endEarly(reason: GrpcError): void {
    this.#abort(reason);
    this.fail(reason);
  }

  /** The client is gone. Most calls have ended when their stream closes, and an error costs its stack. */
  #cancel(): void {
    if (!this.#isFinished) this.#abort(this.#reason ?? cancelled());
  }

  #abort(reason: GrpcError): void {
    clearTimeout(this.#deadline);
    if (this.#isFinished) return;
    this.#reason ??= reason;
    this.messages.fail(this.#reason);
    this.#controller?.abort(this.#reason);
    this.#drained?.reject(this.#reason);
    this.#drained = undefined;
  }

  #finish(trailers: Trailers, answer?: Uint8Array): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    clearTimeout(this.#deadline);
    this.#parser.clear();
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    if (!this.messages.isEnded) stream.resume(); // What the client still sends is dropped.
    if (answer !== undefined && !stream.headersSent) stream.respond(responseHeaders, { waitForTrailers: true });
    if (stream.headersSent) {
      this.#trailers = trailers;
      stream.end(answer);
    } else {
      stream.respond({ ...responseHeaders, ...trailers }, { endStream: true });
      this.#stopClient();
    }
  }

  #sendTrailers(): void {
    if (this.#stream.destroyed || this.#stream.closed) return;
    this.#stream.sendTrailers(this.#trailers);
    this.#stopClient();
  }

  /** Tells a client that has more to send that nobody listens, once the status is on its way. */
  #stopClient(): void {
    const stream = this.#stream;
    if (stream.readableEnded || this.messages.isEnded) return;
    setImmediate(() => {
      if (!stream.destroyed && !stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }
}

function cancelled(): GrpcError {
  return new GrpcError(status.cancelled, 'The client cancelled the call.');
}

function deadlinePassed(): GrpcError {
  return new GrpcError(status.deadlineExceeded, 'Deadline exceeded');
}
