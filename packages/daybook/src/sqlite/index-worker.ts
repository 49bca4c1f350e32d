/** Keeps the index file up to date, in a thread of its own. Started by index-runner.ts. */
import { statSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';

import type { Indexed, IndexTask } from './index-runner.ts';
import { Indexer, type IndexerOptions } from './indexer.ts';

/** How many events between two moves of the write-ahead file into the log. */
const checkpointEvents = 32_768;
/** A write-ahead file above this size is moved into the log in full, between two appends: then it begins anew. */
const walBytes = 64 * 1024 * 1024;

/** Who appends waits for the disk, and nobody waits for the index: on a busy machine it comes second. */
const niceness = 10;

const port = parentPort;
if (port !== null) {
  comeSecond();
  const options = workerData as IndexerOptions; // Given by index-runner.ts.
  const walPath = `${options.logPath}-wal`;
  const indexer = new Indexer(options);
  let checkpointed = 0;
  port.on('message', ({ to, damaged }: IndexTask) => {
    if (to < 0) {
      indexer[Symbol.dispose]();
      port.close();
      return;
    }
    if (damaged === indexer.id) indexer.replace();
    for (let indexed = -1, before = -2; indexed < to && indexed !== before;) {
      before = indexed;
      indexed = indexer.advance(to);
      port.postMessage({ indexed, id: indexer.id } satisfies Indexed);
      if (Math.abs(indexed - checkpointed) < checkpointEvents) continue;
      checkpointed = indexed;
      indexer.checkpointLog();
      if (statSync(walPath).size <= walBytes) continue;
      indexer.checkpointLog(); // What has come meanwhile: whoever appends moves the rest, and waits for it.
      port.postMessage('checkpointed');
    }
  });
}

/** On Linux a priority is that of the calling thread, elsewhere that of the process. */
function comeSecond(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(niceness);
  } catch {
    // Some containers do not allow it. Then the thread runs as any other.
  }
}
