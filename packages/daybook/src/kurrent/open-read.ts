import type { Call, KurrentOptions, OpenClient, ReadResponse, StreamsService } from './client.ts';
import { convertError } from './convert-error.ts';

/** A read or a subscription, in the options of the clients' `subscribeToStream` and `subscribeToAll`. */
export interface ReadCall {
  /** Default: `$all`. */
  readonly stream?: string | undefined;
  readonly options: KurrentOptions;
  /** What makes a read of it. Default: a subscription. */
  readonly read?: { readonly count: bigint; readonly direction: 'forwards' | 'backwards' } | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The answer to a read or a subscription, as the messages that came, some at a time.
 *
 * The clients convert each message before they give it: JSON is parsed, so that its bytes are gone, times lose their
 * milliseconds (in the native reads of `@kurrent/kurrentdb-client`), and `caughtUp` overtakes the events before it. So
 * this takes the call itself, which is what both clients build their subscriptions on. A read is the same request with
 * a count.
 */
export async function* openRead(
  client: OpenClient,
  { stream, options, read, signal }: ReadCall,
): AsyncGenerator<readonly ReadResponse[], void, undefined> {
  signal?.throwIfAborted();
  const { service, create } = subscriptionOf(client, stream, options);
  const opening = client.GRPCStreamCreator(service, 'read', (streams) => create(asRead(streams, read)))();
  let call: Call;
  try {
    call = await abortable(opening, signal);
  } catch (error) {
    opening.then(cancel, () => {});
    throw converted(error, stream, signal);
  }
  const abort = (): void => cancel(call);
  signal?.addEventListener('abort', abort, { once: true });
  let page: ReadResponse[] = [];
  try {
    for await (const message of call) {
      page.push(message);
      if (call.readableLength > 0 && page.length < 500) continue;
      yield page;
      page = [];
    }
    signal?.throwIfAborted();
    if (page.length > 0) yield page;
  } catch (error) {
    if (page.length > 0 && signal?.aborted !== true) yield page; // What came before the error comes before it.
    throw converted(error, stream, signal);
  } finally {
    signal?.removeEventListener('abort', abort);
    cancel(call);
  }
}

interface Subscription {
  readonly service: unknown;
  readonly create: (streams: StreamsService) => Call;
}

/** What the client would call to subscribe: it is asked to subscribe, on a client that only listens to what it does. */
function subscriptionOf(client: OpenClient, stream: string | undefined, options: KurrentOptions): Subscription {
  let heard: Subscription | undefined;
  const listener = {
    callArguments: client.callArguments,
    GRPCStreamCreator: (service: unknown, _name: string, create: Subscription['create']) => {
      heard = { service, create };
      return () => new Promise(() => {}); // A connection that never comes: the subscription is never begun.
    },
  };
  if (stream === undefined) client.subscribeToAll.call(listener as never, options);
  else client.subscribeToStream.call(listener as never, stream, options);
  if (heard === undefined) throw new TypeError('The client does not subscribe through GRPCStreamCreator.');
  return heard;
}

/** The service, with the request for a subscription made into one for a read. */
function asRead(streams: StreamsService, read: ReadCall['read']): StreamsService {
  if (read === undefined) return streams;
  return {
    read(request, ...rest) {
      const options = request.getOptions();
      options.setCount(String(read.count)); // The other half of `count | subscription`: this one replaces that one.
      options.setReadDirection(read.direction === 'forwards' ? 0 : 1);
      return streams.read(request, ...rest);
    },
  };
}

function cancel(call: Call): void {
  call.on('error', () => {}); // Cancelling is answered by an error that nobody waits for any more.
  call.cancel();
}

function converted(error: unknown, stream: string | undefined, signal: AbortSignal | undefined): unknown {
  return signal?.aborted === true ? signal.reason : convertError(error, { stream, call: 'read' });
}

async function abortable<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
