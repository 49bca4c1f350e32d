/** What the database of a read model says when a watch asks it: how far the tables are, or nothing. */
export type DatabaseAnswer = DatabasePlaces | DatabaseAway;

/** How far the tables of a read model are. */
export interface DatabasePlaces {
  /** By source: the number of the last event that is in the tables. A source that is not named has none. */
  readonly numbers: ReadonlyMap<string, bigint>;
  /** Since when whoever asks is told the same, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** Whoever asks was told something else before, and so knows that nothing else has moved it since. */
  readonly hasChanged?: boolean | undefined;
}

/** Why a database says nothing: it cannot be reached, refuses, or does not answer in time. */
export interface DatabaseAway {
  readonly error: string;
  /** Since when it says nothing, in milliseconds since 1970. */
  readonly sinceMs: number;
}

/** What a database says, if it was asked and says something. */
export function placesIn(answer: DatabaseAnswer | undefined): DatabasePlaces | undefined {
  return answer !== undefined && 'numbers' in answer ? answer : undefined;
}

/** Why a database that was asked says nothing. */
export function awayIn(answer: DatabaseAnswer | undefined): DatabaseAway | undefined {
  return answer !== undefined && 'error' in answer ? answer : undefined;
}
