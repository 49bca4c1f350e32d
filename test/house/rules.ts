/**
 * The house rules that no linter knows. Each says what is wrong and the way out, and brings an example that it must
 * find. Change a rule here, in a commit of its own that says why.
 */
import { wrongArrows } from './arrows.ts';
import {
  errorCodesOf,
  importsOf,
  isCode,
  isShipped,
  sourceFile,
  withoutComments,
  type SourceFile,
} from './source-file.ts';
import { forbiddenWords, forbiddenWordsIn, foreignWords } from './words.ts';

/** One rule. */
export interface Rule {
  readonly name: string;
  /** What breaks the rule in these files: one sentence each. */
  readonly problems: (files: readonly SourceFile[]) => readonly string[];
  /** Files that break it. */
  readonly example: readonly SourceFile[];
}

/** A file is read in one sitting. */
const linesAtMost = 400;

/** What fits nowhere else stays small. */
const internalFilesAtMost = 12;

export const rules: readonly Rule[] = [
  {
    name: 'a room imports only the rooms below it, a package only the packages below it',
    problems: each(isShipped, (file) => wrongArrows({ ...file, imports: importsOf(file) })),
    example: [sourceFile('packages/daybook/src/memory/x.ts', `import { a } from '../sqlite/a.ts';`)],
  },
  {
    name: `a file has at most ${linesAtMost} lines`,
    problems: each(isCode, ({ text }) => {
      const lines = text.split('\n').length - 1;
      return lines > linesAtMost ? [`${lines} lines: find the second idea in it and give it its own file`] : [];
    }),
    example: [sourceFile('bench/x.ts', '\n'.repeat(linesAtMost + 1))],
  },
  {
    name: `internal/ has at most ${internalFilesAtMost} files`,
    problems: (files) => {
      const found = files.filter((file) => isShipped(file) && file.room === 'internal').length;
      return found > internalFilesAtMost ? [`internal/ has ${found} files: one of them is a room by now`] : [];
    },
    example: Array.from({ length: internalFilesAtMost + 1 }, (_, i) =>
      sourceFile(`packages/daybook/src/internal/${i}.ts`, ''),
    ),
  },
  {
    name: 'an index.ts of the library only says what its room offers',
    problems: each(
      (file) => file.package === 'daybook' && file.path.endsWith('/index.ts'),
      ({ text }) =>
        /^(?:export (?:type )?\{[^}]*\} from '[^']+';\s*)*$/.test(withoutComments(text).trim())
          ? []
          : ['holds more than named re-exports'],
    ),
    example: [sourceFile('packages/daybook/src/memory/index.ts', `export * from './a.ts';`)],
  },
  {
    name: 'exports have names',
    problems: each(isCode, ({ text }) => {
      const code = withoutComments(text);
      return [
        ...(/^export default\b|\bas default\b/m.test(code) ? ['has a default export: name it'] : []),
        ...(/^export \*/m.test(code) ? ['exports everything of another file: say what'] : []),
      ];
    }),
    example: [sourceFile('packages/cli/src/x.ts', 'export default 1;')],
  },
  {
    name: 'one thing has one name',
    problems: each(
      (file) => !foreignWords.test(file.path) && /\.(?:ts|mjs|md)$/.test(file.path),
      ({ text }) => forbiddenWordsIn(text).map((word) => `says "${word}"; we say "${forbiddenWords[word]}"`),
    ),
    example: [sourceFile('packages/cli/src/x.ts', 'const currentEventNumber = 1;')],
  },
  {
    name: 'nothing in the repository belongs to one machine',
    problems: each(
      () => true,
      ({ text }) =>
        text
          .split('\n')
          .filter((line) =>
            /\/(?:home|Users|root|work)\/\w|\bshared\/[A-Z]+\.md|registry\.[a-z]|"resolved": *"http/.test(line),
          )
          .map((line) => `names a place that others do not have: ${line.trim().slice(0, 80)}`),
    ),
    example: [sourceFile('docs/x.md', ['see ', 'home', 'ann'].join('/'))],
  },
  {
    name: 'an error is a class in an errors.ts',
    problems: each(
      (file) => isShipped(file) && !/(?:^|[/-])errors\.ts$/.test(file.path),
      ({ text }) =>
        [...text.matchAll(/class (\w+) extends DaybookError\b/g)].map(
          (match) => `${match[1]} belongs into the errors.ts of its room`,
        ),
    ),
    example: [sourceFile('packages/cli/src/x.ts', 'class Oops extends DaybookError {')],
  },
  {
    name: 'an error has a code of its own, and docs/reference/errors.md says what to do about it',
    problems: (files) => {
      const reference = files.find(({ path }) => path === 'docs/reference/errors.md')?.text ?? '';
      const seen = new Map<string, string>();
      return files.filter(isShipped).flatMap((file) =>
        errorCodesOf(file).flatMap((code) => {
          const other = seen.get(code);
          seen.set(code, file.path);
          return [
            ...(other === undefined ? [] : [`${file.path}: the code ${code} is taken in ${other}`]),
            ...(reference.includes(`\`${code}\``)
              ? []
              : [`${file.path}: docs/reference/errors.md does not list ${code}`]),
          ];
        }),
      );
    },
    example: [sourceFile('packages/daybook/src/store/errors.ts', `readonly code = 'a';`)],
  },
  {
    name: 'docs/reference/errors.md lists no code that no error has',
    problems: (files) => {
      const codes = new Set(files.filter(isShipped).flatMap((file) => errorCodesOf(file)));
      const reference = files.find(({ path }) => path === 'docs/reference/errors.md')?.text ?? '';
      return [...reference.matchAll(/^\| `([a-z-]+)`/gm)]
        .filter((match) => !codes.has(match[1] ?? ''))
        .map((match) => `docs/reference/errors.md: no error has the code ${match[1]}`);
    },
    example: [sourceFile('docs/reference/errors.md', '| `gone` | x |')],
  },
  {
    name: 'every test runs',
    problems: each(
      (file) => isCode(file) && file.isTest && !file.path.startsWith('test/services/'),
      ({ text }) =>
        [
          ...text.matchAll(
            /\b(?:it|test|describe|suite|t|context)\.(?:only|skip|todo)\(|\b(?:only|todo): true\b|\bskip: (?:true\b|['"`])/g,
          ),
        ].map((match) => `has ${match[0]}…: a test runs, or says by a cannot…() what it would need`),
    ),
    example: [sourceFile('packages/cli/src/x.test.ts', ['it', `only('x', () => {});`].join('.'))],
  },
  {
    name: 'SQL stands in a connection file or in migrations/',
    problems: each(
      (file) => isShipped(file) && !/(?:^|[/-])connection\.ts$|\/migrations\//.test(file.path),
      ({ text }) =>
        [
          ...withoutComments(text).matchAll(
            /['"`]\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|PRAGMA|BEGIN|ATTACH|WITH)\s[^'"`]{3,40}/g,
          ),
        ].map((match) => `has SQL: ${match[0].slice(1).trim()}…`),
    ),
    example: [sourceFile('packages/daybook/src/sqlite/x.ts', 'db.exec(`SELECT position FROM event`);')],
  },
  {
    name: 'nothing is left to do',
    problems: each(isCode, ({ text }) =>
      /\b(?:TO{1}DO|FIX{1}ME|XX{2})\b/.test(text) ? ['has a note to oneself'] : [],
    ),
    example: [sourceFile('bench/x.ts', ['// TO', 'DO'].join(''))],
  },
];

/** A rule that looks at one file at a time. */
function each(
  concerns: (file: SourceFile) => boolean,
  find: (file: SourceFile) => readonly string[],
): (files: readonly SourceFile[]) => readonly string[] {
  return (files) => files.filter(concerns).flatMap((file) => find(file).map((problem) => `${file.path}: ${problem}`));
}
