import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { openMemoryStore } from 'daybook/memory';
import * as fc from 'fast-check';

import type { AdapterUnderTest } from './adapters.ts';
import { behavesAsTheModel } from './hold-against-model.ts';
import { alteredStore, type Mutant } from './mutants/altered-store.ts';
import { appendMutants } from './mutants/append-mutants.ts';
import { readMutants } from './mutants/read-mutants.ts';

/** As many sequences as an adapter has to pass: a mutant that survives them would survive the test. */
const runs = 300;
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

describe('R9: mutants', () => {
  for (const mutant of [...appendMutants, ...readMutants]) {
    it(`the model finds that ${mutant.name}`, async (t) => {
      t.diagnostic(`SEED=${seed}`);
      const result = await fc.check(behavesAsTheModel(adapterOf(mutant)), { numRuns: runs, seed, endOnFailure: true });
      assert.ok(result.failed, 'nothing was found');
      assert.ok(hasCode(result.errorInstance), `it fails by itself: ${String(result.errorInstance)}`);
    });
  }
});

function adapterOf({ name, alter }: Mutant): AdapterUnderTest {
  return {
    name,
    open: async (clock) => {
      const correct = openMemoryStore({ now: () => clock.nowMs });
      const store = alteredStore(correct, alter(correct));
      return { store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
    },
  };
}

/** Whether an assertion failed or the store refused something. An error without a code is a fault of the mutant. */
function hasCode(error: unknown): boolean {
  return typeof Reflect.get(Object(error), 'code') === 'string';
}
