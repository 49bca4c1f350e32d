/**
 * Loaded before a test file, see test.mjs. The test runner follows all promises with an async hook, so that it can name
 * the test of an error that nobody caught. That took 40 % of the time of our tests, which are made of promises. Without
 * it such an error still fails its file, only not one test of it.
 */
import asyncHooks from 'node:async_hooks';

const { createHook } = asyncHooks;
asyncHooks.createHook = (callbacks) => createHook({ ...callbacks, trackPromises: false });
