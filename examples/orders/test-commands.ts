import { given } from 'daybook/testing';

import { Order, recordEmail } from './order.ts';

const shipped = Order.OrderShipped({ carrier: 'fedex', tracking_number: 'abc123', shipped_on: '2016-08-08' });
const mailed = Order.ShipmentEmailSent({ customer_email: 'a@b.c', subject: 'Your order shipped!' });

given(recordEmail, [shipped]).when({ to: 'a@b.c' }).then([mailed]).again();
given(recordEmail).when({ to: 'a@b.c' }).thenRefused('not-shipped');
given(recordEmail, [shipped, mailed]).when({ to: 'a@b.c' }).thenNothing();
console.log('all three hold');

try {
  given(recordEmail).when({ to: 'a@b.c' }).then([mailed]);
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.log(error.message.split('\n\n', 1)[0]);
}
