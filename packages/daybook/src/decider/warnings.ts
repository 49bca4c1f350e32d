import { channel } from 'node:diagnostics_channel';

/**
 * Something that works and is probably not meant. A library never logs: warnings are published on the channel
 * `daybook:warning` of `node:diagnostics_channel`, and those about a declaration are in `warnings` of the declaration.
 *
 * - `event-name`: an event's name does not say that something happened.
 * - `other-category`: an event of a type that is declared in one category stands in another.
 * - `event-not-valid`: a stored event is not what today's schema asks for. It was given as it is.
 * - `state-cache-failed`: a state cache failed. The state was read from the log.
 */
export interface Warning {
  readonly code: 'event-name' | 'other-category' | 'event-not-valid' | 'state-cache-failed';
  readonly message: string;
  /** What the message names. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Where warnings are published. */
export const warningChannel = 'daybook:warning';

const warned = channel(warningChannel);

/** Publishes a warning, if anybody listens. */
export function warn(warning: () => Warning): void {
  if (warned.hasSubscribers) warned.publish(warning());
}
