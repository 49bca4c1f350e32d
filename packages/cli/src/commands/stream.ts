import type { Command } from 'commander';

import type { Begin } from '../program.ts';
import { registerStreamDelete } from './stream-delete.ts';
import { registerStreamMeta } from './stream-meta.ts';
import { registerStreamShow } from './stream-show.ts';
import { registerStreamTruncate } from './stream-truncate.ts';

/** `daybook stream …`: one stream. */
export function registerStream(program: Command, begin: Begin): void {
  const stream = program.command('stream').description('Looks at one stream, and changes what is kept of it.');
  registerStreamShow(stream, begin);
  registerStreamMeta(stream, begin);
  registerStreamDelete(stream, begin);
  registerStreamTruncate(stream, begin);
}
