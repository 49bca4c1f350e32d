/** The command `daybook`, in a process that ends with the one that started it: whoever kills the drill kills all of it. */
import process from 'node:process';

process.stdin.on('close', () => process.kill(process.pid, 'SIGKILL')).resume();
(process.stdin as unknown as { unref(): void }).unref(); // It is a pipe, and nothing else keeps this process.

await import('../../packages/cli/src/main.ts');
