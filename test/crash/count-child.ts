/**
 * A process that opens a store, reads it all, closes it and prints how many events there are. Arguments: path of the store.
 */
import { writeSync } from 'node:fs';

import { openStore } from './support/open-store.ts';

const [, , path = ''] = process.argv;
let events = 0;
{
  await using store = await openStore(path);
  for await (const page of store.readAll().pages()) events += page.length;
}
writeSync(1, `${events}\n`);
