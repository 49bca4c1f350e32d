/** The place of an event in its stream: 0, 1, 2, without gaps. A derived stream numbers its links the same way. */
export type Revision = bigint & { readonly [revisionBrand]: true };

/**
 * The place of an event among all events of a log. Positions grow in commit order and may have gaps, so they are only
 * ever compared. The first event of a log never stands at 0.
 */
export type Position = bigint & { readonly [positionBrand]: true };

declare const revisionBrand: unique symbol;
declare const positionBrand: unique symbol;

/** The largest revision there is. KurrentDB gives it to the event that tombstones a stream, and so do we. */
export const tombstoneRevision: Revision = revision(2n ** 63n - 1n);

/**
 * `value` as a revision.
 *
 * @throws RangeError when it is negative, above 2^63 - 1 or not a whole number.
 */
export function revision(value: bigint | number): Revision {
  return counter(value, 'revision') as Revision; // The check is the brand.
}

/**
 * `value` as a position.
 *
 * @throws RangeError when it is negative, above 2^63 - 1 or not a whole number.
 */
export function position(value: bigint | number): Position {
  return counter(value, 'position') as Position; // The check is the brand.
}

function counter(value: bigint | number, what: string): bigint {
  const whole = BigInt(value);
  if (whole < 0n || whole > 9_223_372_036_854_775_807n) {
    throw new RangeError(`A ${what} lies between 0 and 2^63 - 1; this is ${whole}.`);
  }
  return whole;
}
