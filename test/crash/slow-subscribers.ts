import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';

import { H2Client } from '../../bench/support/h2-client.ts';
import { readPath, subscribeRequest } from '../../bench/support/wire.ts';
import { until } from '../services/until.ts';
import type { Broken } from './support/check-log.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { startWatchedServer } from './support/watched-server.ts';

/** Events of a KiB that are appended for each run: each client that is not held back is owed all of them. */
const events = 5_000;
const eventBytes = 1_024;

const miB = 1024 * 1024;

/** By so much what the server uses may grow, and its process, which keeps more than it uses. */
const liveGrowthAtMost = 64 * miB;
const growthAtMost = 128 * miB;

/**
 * R15: subscribers that do not read cost the server bounded memory, and those that do read get every event.
 *
 * `cycles`: how many clients do not read. Mutant `ignore-drain`: a server that does not wait for its clients.
 */
export async function ignoreSubscriptions(run: Run): Promise<Outcome> {
  const { cycles, mutant = '' } = run;
  const broken: Broken[] = [];
  await using server = await startWatchedServer({ mutant });
  using good = await H2Client.connect(server.port);
  let received = 0;
  // The subscription never ends, so nobody waits for its answer. When the server closes, the client says so to nobody.
  good.call(readPath, subscribeRequest(), (bytes) => (received += bytes.length)).catch(() => {});
  await until('the client that reads is subscribed', () => received > 0);
  // Once without the slow ones, so that what grows with the log itself has grown.
  await server.append(events, eventBytes);
  await until('the first events are there', () => received >= events * eventBytes);
  const slow = Array.from({ length: cycles }, () => new SlowClient(server.port));
  try {
    await Promise.all(slow.map(({ subscribed }) => subscribed));
    await server.collect();
    const before = await server.costs();
    received = 0;
    await server.append(events, eventBytes);
    await until('the client that reads has every event', () => received >= events * eventBytes);
    await server.collect();
    const after = await server.costs();
    const growth = after.rssBytes - before.rssBytes;
    const liveGrowth = after.liveBytes - before.liveBytes;
    if (growth > growthAtMost || liveGrowth > liveGrowthAtMost) {
      const problem = `${cycles} clients that do not read made the server use ${liveGrowth} bytes more, and take ${growth}.`;
      broken.push({ kind: 'costly', problem });
    }
    const inMiB = { growthMiB: Math.round(growth / miB), liveGrowthMiB: Math.round(liveGrowth / miB) };
    const counts = { slowClients: cycles, ...inMiB, calls: after.calls };
    return { promise: 'R15 slow subscribers', run, counts, broken, command: commandFor('slow-subscribers.ts', run) };
  } finally {
    for (const client of slow) client[Symbol.dispose]();
  }
}

/** A client that subscribes, hears that it is subscribed, and reads no further. */
class SlowClient implements Disposable {
  readonly subscribed: Promise<void>;
  readonly #session: ClientHttp2Session;

  constructor(port: number) {
    this.#session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 65_535 } });
    this.#session.on('error', () => {}); // Its server is gone: the programme says why.
    const stream: ClientHttp2Stream = this.#session.request({
      ':method': 'POST',
      ':path': readPath,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    this.subscribed = new Promise((resolve, reject) => {
      stream.on('error', reject);
      stream.once('data', () => {
        stream.pause();
        resolve();
      });
    });
    stream.end(subscribeRequest());
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}

if (import.meta.main) report(await ignoreSubscriptions(commandLine(500).run));
