/** Copies a log into a new file, in a thread of its own. Started by backup.ts. */
import { workerData } from 'node:worker_threads';

import { LogConnection } from './connection.ts';

const { path, target, busyTimeoutMs } = workerData as { path: string; target: string; busyTimeoutMs: number }; // By backup.ts.
{
  using log = new LogConnection(path, { busyTimeoutMs, readOnly: true });
  log.copyInto(target);
}
