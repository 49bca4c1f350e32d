import type { Revision } from './position.ts';
import type { StreamName } from './stream-name.ts';

/**
 * What a writer believes about a stream: the revision of its last event, or that there is no such stream, or that there
 * is one, or nothing at all. There is no default: a writer who does not care says `'any'`.
 */
export type ExpectedRevision = Revision | 'no-stream' | 'stream-exists' | 'any';

/** What a check of `appendAll` believes about a stream that the append does not write to, or does. */
export type ExpectedState = Revision | 'no-stream' | 'stream-exists' | 'deleted' | 'tombstoned';

/** Where a stream really was when an append was refused. */
export type ActualState = Revision | 'no-stream' | 'tombstoned';

/** One belief of an append that did not hold. */
export interface Violation {
  readonly stream: StreamName;
  readonly expected: ExpectedRevision | ExpectedState;
  readonly actual: ActualState;
  /** The stream is deleted (not tombstoned): `actual` is then the revision of its last event. */
  readonly isDeleted: boolean;
}
