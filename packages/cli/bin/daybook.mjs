#!/usr/bin/env node
// Starts the command: the built one when installed from a registry, the sources when run in a clone of the repository.
import * as nodeModule from 'node:module'; // Not by name: an old Node must come as far as the sentence below.

const [major = 0] = process.versions.node.split('.').map(Number);

if (major < 24 || nodeModule.registerHooks === undefined) {
  process.stderr.write(
    `daybook needs Node 24 or newer, and this is Node ${process.versions.node}. ` +
      `In a clone of the repository, 'npx daybook' brings its own.\n`,
  );
  process.exitCode = 1;
} else {
  nodeModule.enableCompileCache?.(); // Commands are short: half of their time would go into compiling.
  await start();
}

async function start() {
  if (import.meta.url.includes('/node_modules/')) {
    await import('../dist/main.js');
    return;
  }
  // A clone has no build before somebody makes one, and an old one is worse than none: take the sources of all packages.
  nodeModule.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: ['@daybook/source', ...context.conditions] }),
  });
  await import('../src/main.ts');
}
