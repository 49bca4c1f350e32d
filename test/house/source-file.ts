import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname, sep } from 'node:path';

/** A text file of the repository, and where it belongs. */
export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  /** The folder below `packages`, or '' for a file that is in none. */
  readonly package: string;
  /** The folder below `src`, or '' for a file right in it or outside of a package. */
  readonly room: string;
  readonly isTest: boolean;
}

/** The root of the repository. */
export const root: string = dirname(dirname(import.meta.dirname));

const generated = /(?:^|\/)(?:node_modules|dist|data|coverage|\.git|\.cache)(?:\/|$)/;
const textFiles =
  /(?:^|\/)(?:[^/]+\.(?:ts|mjs|js|cjs|json|md|c|sh|proto|yaml|yml|html|css)|\.npmrc|\.gitignore|run|LICENSE)$/;

/** A file with this text at this path. */
export function sourceFile(path: string, text: string): SourceFile {
  const [, owner = '', inside = ''] = /^packages\/([^/]+)\/(.*)$/.exec(path) ?? [];
  const [, room = ''] = /^src\/([^/]+)\//.exec(inside) ?? [];
  return { path, text, package: owner, room, isTest: /\.test\.ts$|^test\//.test(path) };
}

/** Every text file that people write: sources, tests, documents, settings. */
export function repositoryFiles(): readonly SourceFile[] {
  const patterns = ['*', '.[a-z]*', '.ci/**', '.changeset/**', '{bench,docs,examples,packages,scripts,test}/**'];
  return globSync(patterns, { cwd: root, exclude: (path) => generated.test(path.split(sep).join('/')) })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => textFiles.test(path) && !generated.test(path) && statSync(`${root}/${path}`).isFile())
    .toSorted()
    .map((path) => sourceFile(path, readFileSync(`${root}/${path}`, 'utf8')));
}

/** Whether a file is code of ours that runs somewhere: packages, examples, measurements, scripts, tests. */
export function isCode({ path }: SourceFile): boolean {
  return /\.(?:ts|mjs)$/.test(path);
}

/** Whether a file is shipped: a source file of a package that is no test. */
export function isShipped(file: SourceFile): boolean {
  return file.package !== '' && file.path.includes('/src/') && file.path.endsWith('.ts') && !file.isTest;
}

/** The modules that a file imports, as it writes them. */
export function importsOf(file: SourceFile): readonly string[] {
  const code = withoutComments(file.text);
  return [
    ...code.matchAll(/^(?:import|export)\b[^;'"]*\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm),
  ].map(([, from, alone, later]) => from ?? alone ?? later ?? '');
}

/** The text without comments, roughly: a `//` in a string is taken for one when a space or a line begins before it. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

/** The codes that the classes of a file named errors.ts carry. */
export function errorCodesOf(file: SourceFile): readonly string[] {
  if (!/(?:^|[/-])errors\.ts$/.test(file.path)) return [];
  return [...file.text.matchAll(/readonly code(?:: [^=\n]+)? = '([^']+)'/g)].map((match) => match[1] ?? '');
}
