import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';

import type { Command } from 'commander';
import { streamName } from 'daybook';

import { exportPages, type ExportPage } from '../export-pages.ts';
import { Failure } from '../failure.ts';
import { eventLine } from '../input/event-line.ts';
import { counted } from '../output/counted.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';

interface Options {
  readonly output?: string;
  readonly system?: true;
  readonly force?: true;
}

/** `daybook export`: writes events to a file that `import` reads. */
export function registerExport(program: Command, begin: Begin): void {
  program
    .command('export')
    .summary('write events to a file')
    .description(
      'Writes the events that reads give, one as JSON a line, in the order of the log: stream, type, id, data, metadata, ' +
        'created. What is deleted or truncated is left out. daybook import reads it.',
    )
    .argument('[stream]', 'a stream, or a derived stream such as $ce-CustomerOrder (default: all)')
    .option('-o, --output <file>', 'where to (default: standard output). It is there when it is complete')
    .option('--system', 'streams of the system too: names that begin with $')
    .option('--force', 'replace a file that is there')
    .action(async (name: string | undefined, { output, system, force }: Options, command: Command) => {
      const shell = begin(command);
      keepYoungGenerationSmall();
      const stream = name === undefined || name === '$all' ? undefined : streamName(name);
      if (output !== undefined && force !== true && existsSync(output)) {
        throw new Failure('refused', 10, `${output} is there already. Give another name, or --force.`);
      }
      await using store = await shell.open('existing');
      await using target = output === undefined ? standardOutput(shell) : await FileTarget.open(output);
      const count = await written(
        shell,
        target,
        exportPages(store, { stream, system: system === true, signal: shell.signal }),
      );
      await target.complete();
      shell.say(counted(count, 'event'));
    });
}

/**
 * V8 would take some 100 MB for objects that have just been made, however few of them live: an export makes millions,
 * and each is done with when its line is written. Where a version of V8 does not know this, it takes that memory.
 */
function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

async function written(shell: Shell, target: Target, pages: AsyncIterable<ExportPage>): Promise<number> {
  using progress = shell.progress('events', { isQuiet: target.isShown });
  let count = 0;
  for await (const { events, share } of pages) {
    await target.write(events.map((event) => `${eventLine(event)}\n`).join(''));
    count += events.length;
    progress.update(count, share);
  }
  return count;
}

interface Target extends AsyncDisposable {
  write(text: string): Promise<void>;
  complete(): Promise<void>;
  /** Whether the data go where the progress would be drawn. */
  readonly isShown: boolean;
}

function standardOutput({ terminal }: Shell): Target {
  return {
    write: (text) => terminal.write(text),
    complete: async () => {},
    isShown: terminal.isInteractive,
    [Symbol.asyncDispose]: async () => {},
  };
}

/** A file that gets its name when it is complete. */
class FileTarget implements Target {
  readonly isShown = false;
  readonly #path: string;
  readonly #file: Awaited<ReturnType<typeof open>>;
  #isComplete = false;

  static async open(path: string): Promise<FileTarget> {
    return new FileTarget(path, await open(`${path}.part`, 'w'));
  }

  constructor(path: string, file: Awaited<ReturnType<typeof open>>) {
    this.#path = path;
    this.#file = file;
  }

  async write(text: string): Promise<void> {
    await this.#file.appendFile(text);
  }

  async complete(): Promise<void> {
    await this.#file.sync();
    await rename(`${this.#path}.part`, this.#path);
    this.#isComplete = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    if (!this.#isComplete) await rm(`${this.#path}.part`, { force: true });
  }
}
