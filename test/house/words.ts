/**
 * The second column of the table in STYLE.md: words that stand for a thing which has another name here. Each is either
 * forbidden below, or listed as too common to forbid. A test compares both with STYLE.md.
 */

/**
 * What we do not say, and what we say. Upper and lower case, plurals and `twoWords`, `two-words`, `two_words` count; of
 * a name in camel case only the name itself and its plural.
 */
export const forbiddenWords: Readonly<Record<string, string>> = {
  aggregate: 'stream, or decider',
  'aggregate id': 'stream name',
  'aggregate type': 'category',
  'stream type': 'category',
  topic: 'stream',
  'event number': 'revision',
  'stream position': 'revision',
  'stream version': 'revision',
  'global position': 'position',
  'expected version': 'expected revision',
  purge: 'scavenge',
  'hard delete': 'tombstone',
  vacuum: 'scavenge',
  'in sync': 'caught up',
  'consumer group': 'persistent subscription',
  processor: 'consumer',
  projector: 'read model',
  reactor: 'consumer',
  bookmark: 'checkpoint',
  'dead letter': 'park',
  resync: 'repair',
  heal: 'repair',
  serializer: 'codec',
  mapper: 'codec',
  backend: 'adapter',
  provider: 'adapter',
  saveEvent: 'append',
  publishEvent: 'append',
  pushEvent: 'append',
  emitEvent: 'append',
  writeEvent: 'append',
  fetchEvent: 'read',
  queryEvent: 'read',
  getEvent: 'read',
};

/** Words of the table that mean something else too often: people look for these when they review. */
export const tooCommonWords: readonly string[] = [
  'message', // Of an error, of a subscription.
  'record', // A row of the log.
  'fact',
  'version', // Of a package, of a file format.
  'offset', // Of a byte.
  'sequence',
  'write',
  'save',
  'publish',
  'push', // Of an array.
  'emit',
  'stream id', // The number that an index gives a stream.
  'stream state', // `streamState` says where a stream stands.
  'reference', // docs/reference.
  'pointer',
  'fetch', // Of the web platform.
  'get', // Of a map.
  'query',
  'chunk',
  'listener', // Of an event emitter.
  'feed',
  'queue',
  'poison', // What a failed flush does to a handle.
  'worker', // A thread.
  'cursor',
  'token',
  'projection', // KurrentDB's own.
  'view',
  'replay', // A random test is replayed by its seed.
  'apply',
  'reduce', // Of an array.
  'when',
  'migrate',
];

/** Where other systems' own words must be used. */
export const foreignWords: RegExp =
  /^packages\/server\/src\/(?:grpc|protocol|streams)\/|\.proto$|^packages\/daybook\/src\/kurrent\/|read-model\/(?:handle-all|handler-transaction|line)\.ts$|^test\/conformance\/|^test\/house\/|^STYLE\.md$|^package-lock\.json$/;

/** The forbidden words in a text, each once. */
export function forbiddenWordsIn(text: string): readonly string[] {
  return patterns.filter(([, pattern]) => pattern.test(text)).map(([word]) => word);
}

const patterns: readonly (readonly [string, RegExp])[] = Object.keys(forbiddenWords).map((word) => {
  if (/[A-Z]/.test(word)) return [word, new RegExp(`\\b${word}s?\\b`)];
  const [first = '', ...others] = word.split(' ');
  const start = `(?:(?<![A-Za-z])${first[0]}|${first[0]?.toUpperCase()})${first.slice(1)}`;
  const rest = others.map((part) => `[ _-]?[${part[0]}${part[0]?.toUpperCase()}]${part.slice(1)}`);
  return [word, new RegExp(`${start}${rest.join('')}(?:s|ing)?(?![a-z])`)];
});
