/**
 * Runs the test files that the patterns name: `node scripts/test.mjs 'test/cli/*.test.ts'`. Each has a process of its own,
 * and one more run at once than there are cores, as many tests wait for databases and for other processes. Fails when
 * a test does.
 */
import { globSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** They begin first, so that none is left alone in the end. */
const longest = ['test/cli/gameday.test.ts', 'test/conformance/kurrent-adapter.test.ts'];

// What one process has compiled the others need not: the next file, and what a test starts.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'daybook-compile-cache');

const files = globSync(process.argv.slice(2)).toSorted();
if (files.length === 0) throw new Error('No test file has such a name.');
const first = longest.filter((path) => files.includes(path));
run({
  files: [...first, ...files.filter((path) => !first.includes(path))],
  concurrency: availableParallelism() + 1,
  execArgv: ['--conditions=@daybook/source'],
})
  .on('test:fail', () => {
    process.exitCode = 1;
  })
  .compose(spec)
  .pipe(process.stdout);
