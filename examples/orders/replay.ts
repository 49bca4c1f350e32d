import { readFileSync } from 'node:fs';

import { exported, given } from 'daybook/testing';

import { Order, recordEmail } from './order.ts';

// daybook export CustomerOrder-123456789 --output exported-order.ndjson
const text = readFileSync(new URL('exported-order.ndjson', import.meta.url), 'utf8');

const to = 'awesome.user@jet.com';
const mailed = Order.ShipmentEmailSent({ customer_email: to, subject: 'Your order shipped!' });

given(recordEmail, exported(text, { upTo: 0n }))
  .when({ to })
  .thenRefused('not-shipped');
given(recordEmail, exported(text, { upTo: 1n }))
  .when({ to })
  .then([mailed])
  .again();
given(recordEmail, exported(text)).when({ to }).thenNothing();
console.log('decided as in production');
