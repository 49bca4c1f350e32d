import { writeFileSync } from 'node:fs';

import { runCli } from './run-cli.ts';

/** The golden order, with fixed ids and times, as `daybook import` takes it. */
export const goldenLines: readonly string[] = [
  '{"stream":"CustomerOrder-123456789","type":"AwaitingShipment","id":"5233d05e-1678-4d53-bf7d-cc95e4b9522c","data":{"scanned_on":"2016-08-08T20:05:00.0000000Z","scanned_by":"thor.odinson@jet.com","dock":"12"},"created":"2016-08-08T20:05:00.031Z"}',
  '{"stream":"CustomerOrder-123456789","type":"OrderShipped","id":"4a61f042-6edb-4e47-9122-90783533626f","data":{"fulfillment_center":"NJ1","carrier":"fedex","tracking_number":"abc123","shipped_to":"123 Main St., Hoboken, NJ, 07030","shipped_on":"2016-08-08T22:10:00.0000000Z"},"created":"2016-08-08T22:10:00.017Z"}',
  '{"stream":"CustomerOrder-123456789","type":"ShipmentEmailSent","id":"813b54c5-87b1-4e82-ad36-8db7cbcd672b","data":{"order_id":"123456789","total":"100.00","customer_email":"awesome.user@jet.com","subject":"Your Jet.com order shipped!","message":"Your order is on its way!!!"},"created":"2016-08-08T22:10:02.604Z"}',
];

/** Puts the golden order into `./daybook.db` of a folder. */
export async function importGolden(folder: { readonly path: string; file(name: string): string }): Promise<void> {
  writeFileSync(folder.file('golden.ndjson'), `${goldenLines.join('\n')}\n`);
  const { code, stderr } = await runCli(['import', 'golden.ndjson'], { cwd: folder.path });
  if (code !== 0) throw new Error(`The import ended with ${code}: ${stderr}`);
}
