import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { displayWidth, fitted, padded } from './display-width.ts';
import { visibleText } from './visible-text.ts';

describe('text from a store on a terminal', () => {
  it('cannot move the cursor, ring a bell, or change colours', () => {
    assert.equal(visibleText('a\u001B[31mred\u0007\r\n\t\u009B2J'), String.raw`a\x1b[31mred\x07\r\n\t\x9b2J`);
  });

  it('cannot turn the order of what is read, or hide in it', () => {
    assert.equal(visibleText('a\u202Eb\u2066c\u200Bd\uFEFF'), String.raw`a\u202eb\u2066c\u200bd\ufeff`);
  });

  it('is otherwise what it is', () => {
    assert.equal(visibleText('Größe 大きさ 📦 "x\\y"'), 'Größe 大きさ 📦 "x\\y"');
  });
});

describe('columns', () => {
  it('count what a text takes on the screen', () => {
    assert.deepEqual(['abc', 'é', 'e\u0301', '大きさ', '📦'].map(displayWidth), [3, 1, 1, 6, 2]);
  });

  it('are filled from the left or the right', () => {
    assert.equal(padded('大', 4, 'right'), '  大');
    assert.equal(padded('ab', 4, 'left'), 'ab  ');
  });

  it('cut what does not fit, and say so', () => {
    assert.equal(fitted('abcdef', 4), 'abc…');
    assert.equal(fitted('大きさ', 4), '大…');
    assert.equal(fitted('abcd', 4), 'abcd');
  });
});
