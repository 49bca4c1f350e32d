import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { isPastTense } from './past-tense.ts';

const past =
  'OrderShipped ShipmentEmailSent PaymentAuthorizedByBank ItemAddedToCart Shipped PriceSet PasswordReset OrderSplit ' +
  'item_added order-shipped com.shop.order.shipped SLAMissed TermsAgreed SlotFreed CartAbandoned LimitExceeded ' +
  'OrderPaid DealWon StockLow2Reached AddedItem orderShipped HTTPRequestFailed';

const notPast =
  'ShipOrder SendEmail CreateOrder SetPrice PutItem ReadMessage AwaitingShipment FeedCustomer NeedHelp Proceed ' +
  'SpeedUp EmbedVideo Order OrderShipment RedLine BedMade2 ship_order X';

describe('a name in the past tense', () => {
  it('A-E2: is told from a command, a state and a thing', () => {
    const wrong = past.split(' ').filter((name) => !isPastTense(name));
    assert.deepEqual(wrong, []);
    assert.deepEqual(
      notPast.split(' ').filter((name) => isPastTense(name)),
      ['BedMade2'], // A bed was made.
    );
  });

  it('is not asked of an empty name or another script, which has no such words', () => {
    assert.deepEqual(['', '注文出荷済み', '---'].map(isPastTense), [false, false, false]);
  });
});
