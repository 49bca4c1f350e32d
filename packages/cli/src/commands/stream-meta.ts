import { readFile } from 'node:fs/promises';

import type { Command } from 'commander';
import { formatStreamMetadata, metadataStreamOf, metadataType, streamName, type NewEvent } from 'daybook';

import { notFound, usage } from '../failure.ts';
import { parseJson } from '../input/parse-json.ts';
import { parseExpected } from '../input/parse-options.ts';
import { visibleText } from '../output/visible-text.ts';
import type { Begin } from '../program.ts';

interface Options {
  readonly set?: string;
  readonly expected: string;
}

const decoder = new TextDecoder();

/** `daybook stream meta`: the metadata of a stream. */
export function registerStreamMeta(stream: Command, begin: Begin): void {
  stream
    .command('meta')
    .description(
      'Shows the metadata of a stream as JSON, or replaces them. Keys: $maxCount, $maxAge (s), $tb, $acl, yours.',
    )
    .argument('<stream>')
    .option('--set <json>', 'all of the new metadata: JSON, or @FILE')
    .option('-e, --expected <revision>', 'of the metadata: any, no-stream, stream-exists, or a revision', 'any')
    .action(async (text: string, { set, expected }: Options, command: Command) => {
      const shell = begin(command);
      const name = streamName(text);
      if (set === undefined) {
        await using store = await shell.open('existing');
        const { status, metadata } = await store.streamState(name);
        const json = decoder.decode(formatStreamMetadata(metadata));
        if (status === 'no-stream' && json === '{}')
          throw notFound(`There is no stream ${name}, and no metadata of one.`);
        await shell.terminal.write(`${shell.format === 'table' ? visibleText(json) : json}\n`);
        return;
      }
      const event: NewEvent = {
        id: crypto.randomUUID(),
        type: metadataType,
        data: await metadataBytes(set),
        contentType: 'application/json',
      };
      const at = parseExpected(expected);
      await using store = await shell.open('create');
      const { revision, position } = await store.append(metadataStreamOf(name), [event], { expected: at });
      await shell.printOne({ stream: name, metadataRevision: revision, position });
    });
}

async function metadataBytes(value: string): Promise<Uint8Array> {
  const bytes = value.startsWith('@') ? await readFile(value.slice(1)) : Buffer.from(value);
  const parsed = parseJson(decoder.decode(bytes), '--set');
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw usage('--set is not an object. Metadata look like {"$maxCount":100}.');
  }
  return bytes;
}
