/**
 * A bare node:http2 server: what the same bytes cost without a store behind them. It answers appends as a store would,
 * and a read with the bytes of the file that it was given.
 *
 * Arguments: file with the answer to a read.
 */
import { readFileSync, writeSync } from 'node:fs';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { pipeline, Readable } from 'node:stream';

import {
  appendPath,
  appendResponse,
  batchAppendPath,
  batchAppendResponse,
  featuresPath,
  featuresResponse,
  readPath,
} from './wire.ts';

const [, , file = ''] = process.argv;
const answer = file === '' ? Buffer.alloc(0) : readFileSync(file);
const piece = 64 * 1024;

/** The whole messages of a stream, one after the other. */
function onMessages(stream: ServerHttp2Stream, onMessage: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  stream.on('data', (bytes: Buffer) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= 5) {
      const end = 5 + rest.readUInt32BE(1);
      if (rest.length < end) return;
      onMessage(rest.subarray(5, end));
      rest = rest.subarray(end);
    }
  });
}

function* pieces(bytes: Buffer): Iterable<Buffer> {
  for (let from = 0; from < bytes.length; from += piece) yield bytes.subarray(from, from + piece);
}

const server = createServer({ settings: { initialWindowSize: 2 ** 20 } });
server.on('stream', (stream, { ':path': path = '' }) => {
  stream.on('error', () => {}); // The client went away.
  const begin = (): void => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  };
  switch (path) {
    case appendPath:
      onMessages(stream, () => {});
      stream.on('end', () => {
        begin();
        stream.end(appendResponse);
      });
      break;
    case batchAppendPath:
      begin();
      onMessages(stream, (message) => void stream.write(batchAppendResponse(message)));
      stream.on('end', () => stream.end());
      break;
    case readPath:
      stream.resume();
      begin();
      pipeline(Readable.from(pieces(answer), { objectMode: false }), stream, () => {});
      break;
    case featuresPath:
      stream.resume();
      begin();
      stream.end(featuresResponse);
      break;
    default:
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true });
  }
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  writeSync(1, `ready\nport ${typeof address === 'object' ? address?.port : ''}\n`);
});
