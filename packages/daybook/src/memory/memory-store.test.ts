import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { contractRun } from '../testing/index.ts';
import { openMemoryStore } from './memory-store.ts';

const contract = contractRun({
  open: async () => openMemoryStore(),
  unsupported: { durability: 'the log is gone with its process' },
});

describe('memory', () => {
  after(() => contract[Symbol.asyncDispose]());
  for (const { name, cases } of contract.suites) {
    describe(name, () => {
      for (const { name: promise, run } of cases) it(promise, run);
    });
  }

  it('cannot keep the promises about opening a log again, and no others', () => {
    assert.ok(contract.unsupported.every(({ reason }) => reason === 'the log is gone with its process'));
    assert.ok(contract.unsupported.length < 12);
  });
});
