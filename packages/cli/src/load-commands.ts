import type { Command } from 'commander';

import type { Begin } from './program.ts';

/** Adds a command to the command line. */
type Register = (program: Command, begin: Begin) => void;

/** All commands, in the order of the help. */
const commands: Readonly<Record<string, () => Promise<Register>>> = {
  serve: async () => (await import('./commands/serve.ts')).registerServe,
  append: async () => (await import('./commands/append.ts')).registerAppend,
  read: async () => (await import('./commands/read.ts')).registerRead,
  tail: async () => (await import('./commands/tail.ts')).registerTail,
  state: async () => (await import('./commands/state.ts')).registerState,
  trace: async () => (await import('./commands/trace.ts')).registerTrace,
  absent: async () => (await import('./commands/absent.ts')).registerAbsent,
  streams: async () => (await import('./commands/streams.ts')).registerStreams,
  stream: async () => (await import('./commands/stream.ts')).registerStream,
  consumers: async () => (await import('./commands/consumers.ts')).registerConsumers,
  checkpoint: async () => (await import('./commands/checkpoint.ts')).registerCheckpoint,
  watch: async () => (await import('./commands/watch.ts')).registerWatch,
  check: async () => (await import('./commands/check.ts')).registerCheck,
  import: async () => (await import('./commands/import.ts')).registerImport,
  export: async () => (await import('./commands/export.ts')).registerExport,
  model: async () => (await import('./commands/model.ts')).registerModel,
  gameday: async () => (await import('./commands/gameday.ts')).registerGameday,
  'gameday-process': async () => (await import('./commands/gameday-process.ts')).registerGamedayProcess,
  verify: async () => (await import('./commands/verify.ts')).registerVerify,
  backup: async () => (await import('./commands/backup.ts')).registerBackup,
  scavenge: async () => (await import('./commands/scavenge.ts')).registerScavenge,
  doctor: async () => (await import('./commands/doctor.ts')).registerDoctor,
  bench: async () => (await import('./commands/bench.ts')).registerBench,
  torture: async () => (await import('./commands/torture.ts')).registerTorture,
  'torture-writer': async () => (await import('./commands/torture-writer.ts')).registerTortureWriter,
  completion: async () => (await import('./commands/completion.ts')).registerCompletion,
  start: async () => (await import('./commands/start.ts')).registerStart,
};

/** Options that stand before a command and leave it the one that is called. */
const shared: ReadonlySet<string> = new Set(['--json', '--ndjson', '-q', '--quiet']);

/**
 * The commands that a command line needs. Where it plainly calls one that is this one, as loading all others takes
 * longer than most commands do. Else, for the help, the completion, or a word that is wrong, it is all of them.
 */
export async function loadCommands(words: readonly string[]): Promise<readonly Register[]> {
  if (words[0] === '--version' || words[0] === '-V') return [];
  const load = commands[calledIn(words) ?? ''];
  return Promise.all((load === undefined ? Object.values(commands) : [load]).map((each) => each()));
}

/** The command that is called, as far as that is plain. */
function calledIn([word, next, ...more]: readonly string[]): string | undefined {
  if (word === '--store') return calledIn(more);
  if (word !== undefined && next !== undefined && (shared.has(word) || word.startsWith('--store='))) {
    return calledIn([next, ...more]);
  }
  return word === 'completion' || (word !== undefined && !Object.hasOwn(commands, word)) ? undefined : word;
}
