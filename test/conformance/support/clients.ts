import type { Feature } from 'daybook/testing';

/** The official clients from npm. */
export type ClientName = '@kurrent/kurrentdb-client' | '@eventstore/db-client';

type Reasons = Partial<Readonly<Record<Feature, string>>>;

const both: Reasons = {
  created: 'the protocol has no field for the time of an imported event',
  'fell-behind': 'clients do not expect that word: no server ever said it',
  listings: 'the protocol lists nothing: streams come from $streams, categories and event types do not come at all',
  'log-identity': 'the protocol does not say which log it is',
  scavenge: 'a server scavenges itself',
};

const olderClient: Reasons = {
  'append-all': '@eventstore/db-client appends to one stream at a time',
  'append-all-checks': '@eventstore/db-client appends to one stream at a time',
};

/** What a client cannot do, with the reasons. */
export function unsupportedBy(client: ClientName): Reasons {
  return client === '@eventstore/db-client' ? { ...both, ...olderClient } : both;
}

/** Cases that ask for more than the protocol tells, with the reasons. */
export const untold: Readonly<Record<string, string>> = {
  'a deleted stream gives nothing and says that it is deleted':
    'the protocol does not say where in the log the last event of a deleted stream is',
  'a tombstoned stream refuses reads and appends for good': 'the protocol does not say what a tombstone covers',
};
