/** Asks the command questions about one order, and shows what it answers, as a script would read it. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../packages/cli/bin/daybook.mjs', import.meta.url));

function daybook(...words: readonly string[]): void {
  console.log(`$ daybook ${words.join(' ')}`);
  console.log(execFileSync(process.execPath, [command, ...words], { encoding: 'utf8', stdio: 'pipe' }));
}

execFileSync(process.execPath, [command, 'import', join(import.meta.dirname, 'exported-order.ndjson'), '--quiet']);
daybook('streams');
daybook('read', 'CustomerOrder-123456789', '--type', 'ShipmentEmailSent', '--json');
daybook('state', 'CustomerOrder-123456789', '--at', '0');
daybook('stream', 'show', 'CustomerOrder-123456789');
daybook('absent', '--has', 'OrderShipped', '--lacks', 'InvoiceSent', '--within', '1h');
