/**
 * A server until it is killed. It says `ready` when its modules are loaded, begins to serve on the first line of input,
 * and says `listening` then.
 *
 * Arguments: path of the store, port, mutant.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';

import { ignoringIds } from './support/mutants.ts';
import { openStore } from './support/open-store.ts';
import { sayReady } from './support/say-ready.ts';
import { serve } from './support/serve.ts';

const [, , path = '', port = '0', mutant] = process.argv;

sayReady();
await once(process.stdin, 'data');
const store = await openStore(path);
await serve(mutant === 'ignore-ids' ? ignoringIds(store) : store, Number(port));
writeSync(1, 'listening\n');
