/** The sizes that a store accepts. Each has a typed error that names the limit and what was sent. */
export interface Limits {
  /** Data and metadata of one event, in bytes. Default: 1 MiB. At most 16 MiB. */
  readonly eventBytes: number;
  /** Metadata of one event, in bytes. Default: 256 KiB. */
  readonly metadataBytes: number;
  /** Data and metadata of all events of one append, in bytes. Default: 4 MiB. */
  readonly appendBytes: number;
  /** Events in one append. Default: 5,000. */
  readonly appendEvents: number;
}

export const defaultLimits: Limits = {
  eventBytes: 1024 * 1024,
  metadataBytes: 256 * 1024,
  appendBytes: 4 * 1024 * 1024,
  appendEvents: 5_000,
};

/** No adapter takes an event above this size, whatever its limits say: 16 MiB, as in KurrentDB. */
export const largestEventBytes: number = 16 * 1024 * 1024;

/** A stream name is at most this long, in UTF-8 bytes. */
export const streamNameBytes = 1_024;

/** An event type is at most this long, in UTF-8 bytes. */
export const eventTypeBytes = 256;
