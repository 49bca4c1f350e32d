import { describe, it } from 'node:test';

import * as fc from 'fast-check';

import { againWith, seedOfRun } from '../linearizability/random.ts';
import { size } from '../size.ts';
import { adapters } from './adapters.ts';
import { behavesAsTheModel } from './hold-against-model.ts';

/** How many sequences of commands. */
const runs = size(300);
const seed = seedOfRun();

describe('R9: the model', () => {
  for (const adapter of adapters) {
    it(`${adapter.name} behaves as the model does, whatever is done to both`, async (t) => {
      t.diagnostic(againWith(import.meta.url, seed));
      await fc.assert(behavesAsTheModel(adapter), { numRuns: runs, seed });
    });
  }
});
