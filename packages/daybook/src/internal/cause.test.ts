import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { causedBy, causeOf, currentCause } from './cause.ts';

const metadata = (text: string) => new TextEncoder().encode(text);

describe('a cause', () => {
  it('holds through everything that is awaited, and not beyond', async () => {
    const cause = { correlationId: 'order', causationId: 'command' };
    const seen = await causedBy(cause, async () => {
      await Promise.resolve();
      return currentCause();
    });
    assert.deepEqual(seen, cause);
    assert.equal(currentCause(), undefined);
  });

  it('keeps the correlation id of the event that it comes from', () => {
    const event = { id: 'e1', metadata: metadata('{"$correlationId":"order"}') };
    assert.deepEqual(causeOf(event), { correlationId: 'order', causationId: 'e1' });
  });

  it('begins with the event itself where its metadata name none', () => {
    for (const text of ['', '{}', '[]', 'null', 'not JSON', '{"$correlationId":7}']) {
      assert.deepEqual(causeOf({ id: 'e1', metadata: metadata(text) }), { correlationId: 'e1', causationId: 'e1' });
    }
  });
});
