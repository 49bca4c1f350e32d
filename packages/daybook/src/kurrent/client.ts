import { InvalidOption } from '../store/errors.ts';

/**
 * What this adapter needs of a client: `KurrentDBClient` of `@kurrent/kurrentdb-client` and `EventStoreDBClient` of
 * `@eventstore/db-client` are such clients. Ours is to call it; to dispose of it is the owner's.
 */
export interface KurrentClient {
  appendToStream(stream: string, events: KurrentEvent | KurrentEvent[], options?: KurrentOptions): Promise<unknown>;
  deleteStream(stream: string, options?: KurrentOptions): Promise<unknown>;
  tombstoneStream(stream: string, options?: KurrentOptions): Promise<unknown>;
  subscribeToStream(stream: string, options?: KurrentOptions): unknown;
  subscribeToAll(options?: KurrentOptions): unknown;
  /** Absent in `@eventstore/db-client`. */
  multiStreamAppend?(requests: never): Promise<unknown>;
  /** Absent in `@eventstore/db-client` and in old versions of `@kurrent/kurrentdb-client`. */
  appendRecords?(records: never, checks?: never): Promise<unknown>;
}

/** An event as the clients take it. */
export interface KurrentEvent {
  readonly id: string;
  readonly type: string;
  readonly contentType: 'application/json' | 'application/octet-stream';
  readonly data: unknown;
  readonly metadata?: unknown;
}

/** The options of every call, in the words of both clients. */
export interface KurrentOptions {
  readonly [name: string]: unknown;
}

/** A position in the log, as the clients write it. */
export interface KurrentPosition {
  readonly commit: bigint;
  readonly prepare: bigint;
}

/** A client with the calls that both clients declare for their own subclasses. They give responses before conversion. */
export interface OpenClient extends KurrentClient {
  GRPCStreamCreator(service: unknown, name: string, create: (streams: StreamsService) => Call): () => Promise<Call>;
  readonly callArguments: unknown;
}

/** The gRPC service that reads and subscribes. */
export interface StreamsService {
  read(request: ReadRequest, ...rest: readonly unknown[]): Call;
}

/** The one message that asks for a read or for a subscription. */
export interface ReadRequest {
  getOptions(): { setCount(count: string): void; setReadDirection(direction: 0 | 1): void };
}

/** A call that is answered by many messages: a readable stream. */
export interface Call extends AsyncIterable<ReadResponse> {
  /** How many messages have come and wait to be read. */
  readonly readableLength: number;
  cancel(): void;
  on(event: 'error', listener: (error: unknown) => void): unknown;
}

/** One message of an answer, as the clients' generated code reads it. Numbers are decimal strings. */
export interface ReadResponse {
  hasEvent(): boolean;
  getEvent(): EventMessage;
  hasStreamNotFound(): boolean;
  hasCheckpoint(): boolean;
  getCheckpoint(): PositionMessage;
  hasCaughtUp(): boolean;
  getCaughtUp(): PlaceMessage;
  hasFellBehind(): boolean;
  getFellBehind(): PlaceMessage;
}

export interface EventMessage {
  getEvent(): RecordMessage | undefined;
  getLink(): RecordMessage | undefined;
}

export interface RecordMessage {
  getId(): { getString(): string };
  getStreamIdentifier(): { getStreamName_asU8(): Uint8Array };
  getStreamRevision(): string;
  getCommitPosition(): string;
  getMetadataMap(): { get(key: string): string | undefined };
  getCustomMetadata_asU8(): Uint8Array;
  getData_asU8(): Uint8Array;
}

export interface PositionMessage {
  getCommitPosition(): string;
}

/** Where a subscription stands. Older clients and servers do not say. */
export interface PlaceMessage {
  hasPosition?(): boolean;
  getPosition?(): PositionMessage;
  hasStreamRevision?(): boolean;
  getStreamRevision?(): string;
}

/**
 * `client` with the calls that its own code uses.
 *
 * @throws InvalidOption when it does not have them.
 */
export function opened(client: KurrentClient): OpenClient {
  const open = client as Partial<OpenClient> & KurrentClient; // Declared `protected` by the clients; checked below.
  if (typeof open.GRPCStreamCreator !== 'function' || typeof open.callArguments !== 'function') {
    throw new InvalidOption(
      'client',
      'it is not a client that this version knows. It works with @kurrent/kurrentdb-client 1.3 and @eventstore/db-client 6.2',
    );
  }
  return open as OpenClient; // The check above.
}
