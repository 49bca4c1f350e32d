import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { isCode, repositoryFiles } from './house/source-file.ts';

const files = repositoryFiles();

/** Pages that map what is promised to the tests that would notice. Each row: id, sentence, files. */
const pages = ['docs/reference/mission.md', 'docs/reference/guarantees.md'];

/** Every sentence of the mission, by the id that stays: the first and the last of each kind. */
const kinds: readonly (readonly [kind: string, first: number, last: number])[] = [
  ['A-E', 1, 15],
  ['A-S', 1, 7],
  ['A-F', 1, 12],
  ['A-L', 1, 6],
  ['A-P', 1, 7],
  ['A-C', 1, 16],
  ['A-I', 1, 14],
  ['A-K', 1, 11],
  ['A-V', 1, 13],
  ['O-', 0, 14],
  ['B', 1, 10],
];
const sentences = kinds.flatMap(([kind, first, last]) =>
  Array.from({ length: last - first + 1 }, (_, index) => `${kind}${first + index}`),
);

describe('the references', () => {
  for (const page of pages) {
    it(`each id that ${page} calls tested is in the name of a test, in the file it names`, () => {
      const text = files.find(({ path }) => path === page)?.text ?? '';
      const [tested = '', later = ''] = text.split(/^## Not there yet$/m);
      const rows = rowsOf(tested);
      assert.ok(rows.length > 0 && later !== '', `${page} is not laid out as this test expects`);
      const untested = rows.flatMap(({ ids, paths }) =>
        ids.filter((id) => paths.length === 0 || !paths.every((path) => namesOf(path).some((name) => names(id, name)))),
      );
      assert.deepEqual(untested, []);
    });
  }

  it('each guide is on the page that lists them', () => {
    const list = files.find(({ path }) => path === 'docs/guides/README.md')?.text ?? '';
    const guides = files.flatMap(({ path }) => /^docs\/guides\/(?!README)([^/]+\.md)$/.exec(path)?.[1] ?? []);
    assert.deepEqual(
      guides.filter((guide) => !list.includes(`](${guide})`)),
      [],
    );
  });

  it('each sentence of the mission has a row on the page that lists them', () => {
    const page = files.find(({ path }) => path === pages[0])?.text ?? '';
    const listed = new Set(rowsOf(page).flatMap(({ ids }) => ids));
    assert.deepEqual(
      sentences.filter((id) => !listed.has(id)),
      [],
    );
    assert.deepEqual(
      [...listed].filter((id) => !sentences.includes(id)),
      [],
    );
  });
});

interface Row {
  readonly ids: readonly string[];
  readonly paths: readonly string[];
}

/** The rows of the tables whose first cell holds ids, and the files that their last cell links to. */
function rowsOf(text: string): readonly Row[] {
  return [...text.matchAll(/^\| ((?:[A-Z]-[A-Z]?|[A-Z])\d+)\s*\|.*$/gm)].map(([row = '', id = '']) => ({
    ids: [id],
    paths: [...row.matchAll(/\]\(\.\.\/\.\.\/([^)]+)\)/g)].map((match) => match[1] ?? ''),
  }));
}

/** The names of the tests, of contract cases and of crash programmes, by file. */
const testNames = new Map(
  files
    .filter(isCode)
    .map(({ path, text }) => [
      path,
      [...text.matchAll(/(?:\b(?:it|test|describe)\(|\b(?:name|promise):)\s*(['"`])(.*?)\1/g)].map(
        (match) => match[2] ?? '',
      ),
    ]),
);

function namesOf(path: string): readonly string[] {
  return testNames.get(path) ?? [];
}

function names(id: string, name: string): boolean {
  return new RegExp(`(?<![\\w-])${id}(?!\\w)`).test(name);
}
