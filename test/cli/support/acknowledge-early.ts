/**
 * Loaded before a command (`node --import`), makes a store with a mistake: it acknowledges when a sync has begun, and not
 * when the disk has answered it.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const wrong: readonly (readonly [from: string, to: string])[] = [
  [
    'fdatasync(this.#wal, (error) => (error === null ? resolve() : reject(error)));',
    'fdatasync(this.#wal, () => {}); resolve();',
  ],
  [
    'syncAtOnce(): number {\n    fdatasyncSync(this.#wal);',
    'syncAtOnce(): number {\n    fdatasync(this.#wal, () => {});',
  ],
];

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/sqlite/engine.ts')) return loaded;
    let source = readFileSync(new URL(url), 'utf8');
    for (const [from, to] of wrong) {
      if (!source.includes(from)) throw new Error(`The engine has no ${from}`);
      source = source.replace(from, to);
    }
    return { ...loaded, source };
  },
});
