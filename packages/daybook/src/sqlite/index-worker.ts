/** Keeps the index file up to date, in a thread of its own. Started by index-runner.ts. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';

import type { Indexed, IndexTask } from './index-runner.ts';
import { Indexer, type IndexerOptions } from './indexer.ts';

/** How many events between two moves of the write-ahead file into the log. */
const checkpointEvents = 32_768;

/** Who appends waits for the disk, and nobody waits for the index: on a busy machine it comes second. */
const niceness = 10;

const port = parentPort;
if (port !== null) {
  comeSecond();
  const indexer = new Indexer(workerData as IndexerOptions); // Given by index-runner.ts.
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
