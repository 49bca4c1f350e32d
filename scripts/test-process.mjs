/**
 * Loaded before a test file, see test.mjs. The test runner follows all promises with an async hook, so that it can name
 * the test of an error that nobody caught. That took 40 % of the time of our tests, which are made of promises. Without
 * it such an error still fails its file, only not one test of it.
 *
 * A file ends after 20 minutes, whatever a test of it has left open: the runner would wait for it for ever. The longest
 * takes a third of that on a slow machine.
 */
import asyncHooks from 'node:async_hooks';

const atMostMs = 20 * 60_000;

const { createHook } = asyncHooks;
asyncHooks.createHook = (callbacks) => createHook({ ...callbacks, trackPromises: false });

setTimeout(() => {
  process.stderr.write(`${process.argv[1]} has not ended after ${atMostMs / 60_000} minutes.\n`);
  process.exit(1);
}, atMostMs).unref();
