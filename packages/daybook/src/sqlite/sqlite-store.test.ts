import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { contractRun } from '../testing/index.ts';
import { openSqliteStore } from './sqlite-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-contract-'));
const contract = contractRun({ open: () => openSqliteStore(join(folder, 'contract.db')) });

describe('SQLite', () => {
  after(async () => {
    await contract[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });
  for (const { name, cases } of contract.suites) {
    describe(name, () => {
      for (const { name: promise, run } of cases) it(promise, run);
    });
  }
});
