/**
 * A server as one is usually written, with @grpc/grpc-js and protobufjs, that reads from a Daybook store.
 *
 * Arguments: path of the store.
 */
import { writeSync } from 'node:fs';

import type { RecordedEvent } from 'daybook';

import { openStore } from '../support/store.ts';
import { readPath } from '../support/wire.ts';
import { installPeers } from './install.ts';

interface Call {
  readonly write: (message: object) => boolean;
  readonly once: (event: 'drain', listener: () => void) => void;
  readonly end: () => void;
}

/** What we use of `@grpc/grpc-js`. */
interface Grpc {
  readonly Server: new () => {
    readonly addService: (definition: object, handlers: Record<string, (call: Call) => void>) => void;
    readonly bindAsync: (
      address: string,
      credentials: unknown,
      done: (error: Error | null, port: number) => void,
    ) => void;
  };
  readonly ServerCredentials: { readonly createInsecure: () => unknown };
}

/** What we use of `protobufjs`. */
interface Protobuf {
  readonly parse: (text: string) => {
    readonly root: { readonly lookupType: (name: string) => { readonly encode: (message: object) => Encoded } };
  };
}

interface Encoded {
  readonly finish: () => Uint8Array;
}

const messages = `
  syntax = "proto3";
  message Id { oneof value { string string = 2; } }
  message Name { bytes stream_name = 3; }
  message Recorded {
    Id id = 1; Name stream_identifier = 2; uint64 stream_revision = 3; uint64 prepare_position = 4;
    uint64 commit_position = 5; map<string, string> metadata = 6; bytes custom_metadata = 7; bytes data = 8;
  }
  message Read { Recorded event = 1; oneof position { uint64 commit_position = 3; } }
  message Answer { oneof content { Read event = 1; } }`;

const [, , path = ''] = process.argv;
const peers = installPeers();
const grpc = (await peers.load('@grpc/grpc-js')) as Grpc;
const protobuf = ((await peers.load('protobufjs')) as { default: Protobuf }).default;
const answer = protobuf.parse(messages).root.lookupType('Answer');
const store = await openStore(path);

function message(event: RecordedEvent): object {
  const { id, stream, revision, position, type, contentType, created, data, metadata } = event;
  const ticks = String(created.getTime() * 10_000 + 621_355_968_000_000_000);
  const recorded = {
    id: { string: id },
    streamIdentifier: { streamName: Buffer.from(stream) },
    streamRevision: Number(revision),
    preparePosition: Number(position),
    commitPosition: Number(position),
    metadata: { type, 'content-type': contentType, created: ticks },
    customMetadata: metadata,
    data,
  };
  return { event: { event: recorded, commitPosition: Number(position) } };
}

async function read(call: Call): Promise<void> {
  for await (const page of store.readAll().pages()) {
    for (const event of page) {
      if (!call.write(message(event))) await new Promise<void>((resolve) => call.once('drain', resolve));
    }
  }
  call.end();
}

const server = new grpc.Server();
const same = (bytes: Buffer): Buffer => bytes;
server.addService(
  {
    Read: {
      path: readPath,
      requestStream: false,
      responseStream: true,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: (value: object) => Buffer.from(answer.encode(value).finish()),
      responseDeserialize: same,
    },
  },
  { Read: (call) => void read(call) },
);
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  writeSync(1, `ready\nport ${port}\n`);
});
