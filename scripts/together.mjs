/**
 * Runs npm scripts at the same time, as the machine has more than one core: `node scripts/together.mjs test:a test:b`.
 * What the first says is shown as it comes, and what each other one says when those before it have ended. Fails when one
 * of them does.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const runs = process.argv.slice(2).map((script) => {
  const child = spawn('npm', ['run', '--silent', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const parts = [];
  let show = (part) => parts.push(part);
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => show(part));
  return {
    ended: once(child, 'close'),
    display: () => {
      show = (part) => process.stdout.write(part);
      for (const part of parts.splice(0)) show(part);
    },
  };
});

for (const { ended, display } of runs) {
  display();
  const [code] = await ended;
  if (code !== 0) process.exitCode = 1;
}
