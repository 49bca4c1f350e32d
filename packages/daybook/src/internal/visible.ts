import { isDeleted, type StreamMetadata } from '../store/stream-metadata.ts';
import { isMetadataStream } from '../store/stream-name.ts';

/**
 * The first revision of a stream that `$tb` and `$maxCount` leave visible, given its last revision (-1: none). Above
 * the last one when all are hidden. A metadata stream shows only its last event. `$maxAge` hides more, at read time.
 */
export function firstVisible(stream: string, lastRevision: number, metadata: StreamMetadata | undefined): number {
  if (isMetadataStream(stream)) return Math.max(0, lastRevision);
  if (metadata === undefined) return 0;
  if (isDeleted(metadata)) return lastRevision + 1;
  const { truncateBefore, maxCount } = metadata;
  return Math.max(
    0,
    truncateBefore === undefined ? 0 : Number(truncateBefore),
    maxCount === undefined ? 0 : lastRevision - maxCount + 1,
  );
}

/** Whether `$maxAge` has hidden an event that was created at `createdMs`. */
export function isOutlived(createdMs: number, nowMs: number, metadata: StreamMetadata | undefined): boolean {
  return metadata?.maxAgeMs !== undefined && createdMs < nowMs - metadata.maxAgeMs;
}
