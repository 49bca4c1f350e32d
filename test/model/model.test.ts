import { describe, it } from 'node:test';

import * as fc from 'fast-check';

import { size } from '../size.ts';
import { adapters } from './adapters.ts';
import { behavesAsTheModel } from './hold-against-model.ts';

/** How many sequences of commands. More with CYCLES=10, say. */
const runs = size(300) * Number(process.env['CYCLES'] ?? 1);
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

describe('R9: the model', () => {
  for (const adapter of adapters) {
    it(`${adapter.name} behaves as the model does, whatever is done to both`, async (t) => {
      t.diagnostic(`SEED=${seed}`);
      await fc.assert(behavesAsTheModel(adapter), { numRuns: runs, seed });
    });
  }
});
