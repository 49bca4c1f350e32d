/**
 * Breaks a module of the library as it is loaded: `node --import mutating.ts`, for a process and all that it starts. What is
 * broken, and how, is in `DAYBOOK_MUTANT`.
 */
import { registerHooks } from 'node:module';

import type { Broken } from './mutants.ts';

const { url: mutant, source } = JSON.parse(process.env['DAYBOOK_MUTANT'] ?? '{}') as Broken; // Written by `judge`.

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context);
    return url === mutant ? { ...loaded, source } : loaded;
  },
});
