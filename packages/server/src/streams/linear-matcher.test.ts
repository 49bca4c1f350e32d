import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';

import { linearMatcher } from './linear-matcher.ts';

/** What takes linear time takes milliseconds; an engine that goes back takes longer than the universe has existed. */
const patienceMs = 20_000;

/** Matches in a thread, which can be ended when it never comes to an end. */
async function matches(source: string, text: string): Promise<unknown> {
  const worker = new Worker(
    `import(${JSON.stringify(import.meta.resolve('./linear-matcher.ts'))}).then(({ linearMatcher }) => {
      const { parentPort, workerData: { source, text } } = require('node:worker_threads');
      parentPort.postMessage(linearMatcher(source).test(text));
    })`,
    { eval: true, workerData: { source, text } },
  );
  try {
    const [found]: readonly unknown[] = await once(worker, 'message', { signal: AbortSignal.timeout(patienceMs) });
    return found;
  } finally {
    await worker.terminate();
  }
}

describe('an expression from outside', { concurrency: 4 }, () => {
  for (const source of ['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '^(([a-z])+.)+[A-Z]([a-z])+$', 'a*a*a*a*a*a*a*a*a*a*b']) {
    it(`takes linear time, whatever it says: ${source}`, async () => {
      assert.equal(await matches(source, `${'a'.repeat(2_000)}!`), false);
    });
  }

  it('matches anywhere in a text, as it does in JavaScript', () => {
    const matcher = linearMatcher('rder-[0-9]+');
    assert.equal(matcher.source, 'rder-[0-9]+');
    for (const text of ['Order-17!', 'rder-1']) assert.ok(matcher.test(text));
    for (const text of ['Order-x', '']) assert.ok(!matcher.test(text));
  });

  it('is refused when it is none, looks around, refers back, or is too long', () => {
    for (const source of ['(', '[z-a]', '(?=a)', '(?<!a)b', '(a)\\1', 'a{1001}', 'x'.repeat(4_097)]) {
      assert.throws(() => linearMatcher(source), SyntaxError, source);
    }
  });
});
