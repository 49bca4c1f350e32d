import { loadCommands } from '../../packages/cli/src/load-commands.ts';
import { Terminal } from '../../packages/cli/src/output/terminal.ts';
import { createProgram } from '../../packages/cli/src/program.ts';

type Command = ReturnType<typeof createProgram>;

const terminal = new Terminal(process.stdout, process.stderr);

/** The lines of a document's shell blocks that call the command, without their comments, as words. */
export function commandLinesOf(text: string): readonly (readonly string[])[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, body = '']) => body);
  return blocks
    .flatMap((body) => body.split('\n'))
    .map(wordsOf)
    .flatMap((words) => {
      const [first, second, ...rest] = words;
      if (first === 'daybook') return [words.slice(1)];
      return first === 'npx' && second?.startsWith('daybook') === true ? [rest] : [];
    });
}

/** What stands in the running text as a command with its words: `daybook backup create`. */
export function mentionsOf(text: string): readonly (readonly string[])[] {
  const plain = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...plain.matchAll(/`(?:npx )?daybook ([^`]+)`/g)].map(([, words = '']) => wordsOf(words));
}

/** Says why a command line would be refused as wrong usage; nothing of it is run. */
export async function refusalOf(words: readonly string[]): Promise<string | undefined> {
  const program = await wholeProgram();
  try {
    await program.parseAsync([...words], { from: 'user' });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The first word of a mention that is neither a command nor an option of it. What stands behind a command may be anything. */
export async function unknownIn(words: readonly string[]): Promise<string | undefined> {
  const program = await wholeProgram();
  let command: Command = program;
  for (const [index, word] of words.entries()) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) {
      if (index === 0 && !word.startsWith('-')) return word;
      break;
    }
    command = next;
  }
  // `daybook consumers` is one of the commands below it: without a word, their options count.
  const options = [command, ...command.commands, program]
    .flatMap((each) => each.options)
    .flatMap(({ long, short }) => [long, short]);
  return words.find((word) => /^--?[a-z]/.test(word) && word !== '--help' && !options.includes(word.split('=')[0]));
}

async function wholeProgram(): Promise<Command> {
  const program = createProgram(terminal).configureOutput({
    writeErr: () => {},
    writeOut: () => {},
    outputError: () => {},
  });
  for (const register of await loadCommands([])) register(program, nothing);
  disarm(program);
  return program;
}

function nothing(): never {
  throw new TypeError('Nothing is run here.');
}

/** Lets a command and those below it do nothing when they are called. */
function disarm(command: Command): void {
  for (const each of command.commands) {
    disarm(each);
    if (each.commands.length === 0 || each.registeredArguments.length > 0) each.action(() => {});
  }
}

/** Splits a line as a shell does, as far as documents need it: quotes, a comment, and what comes before a pipe. */
function wordsOf(line: string): string[] {
  const [, command = ''] = /^((?:'[^']*'|"[^"]*"|[^'"#|>]|(?<=\S)#)*)/.exec(line) ?? [];
  return [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word.replaceAll(/['"]/g, ''));
}
