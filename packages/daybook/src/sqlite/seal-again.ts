import type { Engine } from './engine.ts';
import type { GroupCommit } from './group-commit.ts';
import type { SealRow } from './rows.ts';
import { positionsIn, segmentEvents, segmentHash, sealOf } from './seal-chain.ts';

/*
 * A changed segment gets another seal, and then so must all that follow. A scavenge changes many segments, in their order:
 * it seals each once. Between what it has sealed and what it has not is the seam, which says how the chain goes on there,
 * so the chain can be checked at any moment, and after a crash.
 */

/** So many seals are written in one transaction at most. */
const sealsAtOnce = 1_000;

/** Seals a segment that has changed, in the transaction that is open, and all between the seam and it. */
export function sealAgain(engine: Engine, segment: number): void {
  const { writer } = engine;
  const seam = writer.seam();
  const isAfter = seam !== undefined && seam.segment < segment;
  const after = (isAfter ? seam.segment + 1 : segment) - 1;
  const to = Math.max(segment, seam?.segment ?? 0);
  const rows = writer.seals(after, to - after).filter((row) => row.segment <= to);
  writeSeals(
    engine,
    rows.map((row) => (row.segment === segment ? { ...row, hash: hashOf(engine, segment) } : row)),
  );
  const seal = seam?.segment === to ? seam.seal : rows.at(-1)?.seal;
  moveSeam(engine, { to, seal });
}

/** Seals what is behind the seam, until there is none. */
export async function joinSeals(engine: Engine, commits: GroupCommit): Promise<void> {
  while (engine.writer.seam() !== undefined) {
    await commits.run(() => {
      const seam = engine.writer.seam();
      if (seam === undefined) return; // Another process was quicker.
      const rows = engine.writer.seals(seam.segment, sealsAtOnce);
      engine.writer.scavenging(() => writeSeals(engine, rows));
      const last = rows.at(-1);
      moveSeam(engine, { to: last?.segment ?? seam.segment, seal: last?.seal });
    });
  }
}

/** Writes seals anew that follow each other. */
function writeSeals({ writer }: Engine, rows: readonly SealRow[]): void {
  const [first] = rows;
  let [before] = first === undefined || first.segment === 1 ? [] : writer.seals(first.segment - 2, 1);
  for (const row of rows) {
    before = { ...row, seal: sealOf(before?.seal, row.hash) };
    writer.insertSeal(before);
  }
}

/** The seals up to `to` are new; `seal` is what the next one follows, if there is one. */
function moveSeam(engine: Engine, { to, seal }: { readonly to: number; readonly seal: Uint8Array | undefined }): void {
  const isLast = seal === undefined || (engine.writer.lastSeal()?.segment ?? 0) <= to;
  engine.writer.setSeam(isLast ? undefined : { segment: to, seal });
  engine.resetSeals();
}

function hashOf({ writer }: Engine, segment: number): Uint8Array {
  const [first, last] = positionsIn(segment);
  return segmentHash(writer.records(first, last, segmentEvents).map(([, record]) => record));
}
