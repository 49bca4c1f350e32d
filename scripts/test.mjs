/**
 * Runs the test files that the patterns name: `node scripts/test.mjs 'test/cli/*.test.ts'`. Each has a process of its own.
 * Two for each core run at once, as many tests wait for databases and for other processes, or `--at-once` so many.
 * Fails when a test does.
 */
import { globSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';

/** They begin first, so that none is left alone in the end. */
const longest = [
  'test/cli/gameday.test.ts',
  'test/read-model/mutants.test.ts',
  'test/conformance/kurrent-adapter.test.ts',
  'test/cli/model-commands.test.ts',
  'test/model/model.test.ts',
  'test/linearizability/linearizability.test.ts',
  'test/live/tailing.test.ts',
  'test/read-model/continuous.test.ts',
  'test/read-model/drill.test.ts',
  'test/read-model/verify.test.ts',
  'test/crash/kill-read-model.test.ts',
  'test/crash/kill-writer.test.ts',
  'test/crash/bit-rot.test.ts',
];

const { values, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: { 'at-once': { type: 'string', default: String(2 * availableParallelism()) } },
});
const files = globSync(patterns).toSorted();
if (files.length === 0) throw new Error(`No file has a name like ${patterns.join(' or ')}.`);
const first = longest.filter((path) => files.includes(path));

// What one process has compiled the others need not: the next file, and what a test starts.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'daybook-compile-cache');
run({
  files: [...first, ...files.filter((path) => !first.includes(path))],
  concurrency: Number(values['at-once']),
  execArgv: ['--conditions=@daybook/source', `--import=${new URL('test-process.mjs', import.meta.url).href}`],
})
  .on('test:fail', () => {
    process.exitCode = 1;
  })
  .compose(spec)
  .pipe(process.stdout);
