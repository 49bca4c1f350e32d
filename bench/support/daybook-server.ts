/**
 * A Daybook server in a process of its own. Arguments: path of the store.
 */
import { writeSync } from 'node:fs';

import { startServer } from 'daybook-server';

import { openStore } from './store.ts';

const [, , path = ''] = process.argv;
const server = await startServer({ store: await openStore(path), port: 0, dev: true });
writeSync(1, `ready\nport ${server.port}\n`);
