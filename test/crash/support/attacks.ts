import { appendPath, appendRequest, framed } from '../../../bench/support/wire.ts';
import {
  callHeaders,
  continuationFrame,
  endHeaders,
  frame,
  goAwayFrame,
  headersFrame,
  HostileConnection,
  resetFrame,
  statusOf,
} from './hostile-connection.ts';

/** Something that a hostile client does. Gives what the server did wrong. */
export type Attack = (port: number) => Promise<string | undefined>;

const kiB = 1024;

/** How many connections do the same at once. */
const connections = 200;

const [invalidArgument, resourceExhausted, unimplemented, internal] = ['3', '8', '12', '13'];

/** What must be answered with a status. */
const calls: Readonly<Record<string, readonly [path: string, body: Uint8Array, status: string | undefined]>> = {
  'malformed protobuf': [appendPath, framed(Buffer.from([0x0a, 0xff])), invalidArgument],
  'an unknown method': ['/event_store.client.streams.Streams/Guess', framed(Buffer.alloc(0)), unimplemented],
  'a message that is cut off': [appendPath, Buffer.from([0, 0, 0, 0, 100, 1, 2, 3]), internal],
  'a message that claims 4 GiB': [appendPath, Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]), resourceExhausted],
  'a compressed message': [appendPath, Buffer.from([1, 0, 0, 0, 3, 1, 2, 3]), unimplemented],
  'an event that is too large': [appendPath, appendRequest('large', Buffer.alloc(2_048 * kiB)), invalidArgument],
  'metadata that are too large': [
    appendPath,
    appendRequest('large', Buffer.alloc(1), Buffer.alloc(300 * kiB)),
    invalidArgument,
  ],
  'an append that is too large': [appendPath, manyEvents(), invalidArgument],
  'a stream name that is too long': [appendPath, appendRequest('n'.repeat(10 * kiB)), invalidArgument],
};

/** What is answered or cut off at once. */
export const attacks: Readonly<Record<string, Attack>> = {
  ...Object.fromEntries(
    Object.entries(calls).map(([name, [path, body, expected]]): [string, Attack] => [
      name,
      async (port) => {
        const found = await statusOf(port, path, body);
        return found === expected ? undefined : `answered with ${found}, not with ${expected}`;
      },
    ]),
  ),
  'many connections': async (port) => {
    using stack = new DisposableStack();
    for (let round = 0; round < 10; round++) {
      const opened = await Promise.all(Array.from({ length: connections }, () => HostileConnection.open(port)));
      for (const connection of opened) stack.use(connection);
    }
    return undefined;
  },
  'streams that are reset at once': async (port) => {
    using connection = await HostileConnection.openHttp2(port);
    const payload = callHeaders(appendPath);
    for (let stream = 1; stream < 20_000; stream += 2) {
      const reset = frame(resetFrame, { stream, payload: Buffer.from([0, 0, 0, 8]) });
      connection.say(frame(headersFrame, { stream, flags: endHeaders, payload }), reset);
    }
    return (await connection.isCutOff()) ? undefined : 'not cut off';
  },
  'headers without end': async (port) => {
    using connection = await HostileConnection.openHttp2(port);
    connection.say(frame(headersFrame, { stream: 1, payload: callHeaders(appendPath) }));
    const more = frame(continuationFrame, { stream: 1, payload: Buffer.alloc(16 * kiB) });
    for (let count = 0; count < 1_000; count++) connection.say(more);
    return (await connection.isCutOff()) ? undefined : 'not cut off';
  },
  'a frame of a kind that may not come first': async (port) => {
    using connection = await HostileConnection.openHttp2(port);
    connection.say(frame(continuationFrame, { stream: 1 }));
    if (!(await connection.isCutOff())) return 'not cut off';
    return connection.received.includes(frame(goAwayFrame, { stream: 0 }).subarray(3, 5)) ? undefined : 'not told why';
  },
  'TLS where there is none': (port) =>
    refusal(port, Buffer.from('16030100c8010000c40303', 'hex'), Buffer.alloc(200, 1)),
  'two lengths of one request': (port) =>
    refusal(
      port,
      'POST /ping HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      'GET /info HTTP/1.1\r\nhost: a\r\n\r\n',
    ),
};

/** What is cut off after some seconds: it is begun first, and asked about last. */
export const patientAttacks: Readonly<Record<string, Attack>> = {
  'connections that say nothing': (port) => allCutOff(port, ''),
  'connections that say half of what they speak': (port) => allCutOff(port, 'PRI * HTTP/2.0\r\n'),
  'requests whose headers do not end': (port) => allCutOff(port, 'GET /ping HTTP/1.1\r\nhost: a\r\nx: '),
};

/** Streams on which a message begins and does not end, until the connection is closed. */
export async function openHalf(port: number): Promise<Disposable> {
  const stack = new DisposableStack();
  for (let count = 0; count < connections; count++) {
    const connection = stack.use(await HostileConnection.openHttp2(port));
    connection.say(
      frame(headersFrame, { stream: 1, flags: endHeaders, payload: callHeaders(appendPath) }),
      frame(0, { stream: 1, payload: Buffer.from([0, 0, 16, 0, 0, 1]) }),
    );
  }
  return stack;
}

/** An HTTP/1.1 request that must be refused, and its connection cut off. */
async function refusal(port: number, ...said: readonly (string | Uint8Array)[]): Promise<string | undefined> {
  using connection = await HostileConnection.open(port);
  connection.say(...said);
  if (!(await connection.isCutOff())) return 'not cut off';
  const answer = connection.received.toString('latin1');
  return answer.startsWith('HTTP/1.1 400 ') ? undefined : `answered with ${JSON.stringify(answer.slice(0, 80))}`;
}

async function allCutOff(port: number, said: string): Promise<string | undefined> {
  using stack = new DisposableStack();
  const opened = await Promise.all(Array.from({ length: connections }, () => HostileConnection.open(port)));
  for (const connection of opened) stack.use(connection).say(said);
  const cutOff = await Promise.all(opened.map((connection) => connection.isCutOff()));
  const left = cutOff.filter((is) => !is).length;
  return left === 0 ? undefined : `${left} of ${connections} are still open`;
}

/** An append of events that are small enough, and too many. */
function manyEvents(): Buffer {
  const one = appendRequest('large', Buffer.alloc(1_000 * kiB));
  const options = 5 + one.readUInt32BE(1);
  return Buffer.concat([one, ...Array.from({ length: 5 }, () => one.subarray(options))]);
}
