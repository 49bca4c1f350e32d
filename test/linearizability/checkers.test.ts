import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Did, Operation } from './history.ts';
import { contradictions } from './log-witness.ts';
import { isLinearizable } from './wgl.ts';

interface Example {
  readonly name: string;
  readonly history: readonly Operation[];
  readonly log: readonly string[];
  readonly isRight: boolean;
}

const a0 = append(['a'], -1, 0);

const examples: readonly Example[] = [
  { name: 'nothing happened', history: [], log: [], isRight: true },
  { name: 'one after the other', history: [at(1, 2, a0), at(3, 4, read('a'))], log: ['a'], isRight: true },
  { name: 'a read misses what was answered', history: [at(1, 2, a0), at(3, 4, read())], log: ['a'], isRight: false },
  {
    name: 'a read misses what was not answered yet',
    history: [at(1, 4, a0), at(2, 3, read())],
    log: ['a'],
    isRight: true,
  },
  {
    name: 'a read sees what was not answered yet',
    history: [at(1, 4, a0), at(2, 3, read('a'))],
    log: ['a'],
    isRight: true,
  },
  {
    name: 'a read sees what was not sent yet',
    history: [at(1, 2, read('a')), at(3, 4, a0)],
    log: ['a'],
    isRight: false,
  },
  {
    name: 'a read goes back behind another',
    history: [at(1, 8, a0), at(2, 3, read('a')), at(4, 5, read())],
    log: ['a'],
    isRight: false,
  },
  {
    name: 'both of two who expected the same place got it',
    history: [at(1, 4, a0), at(2, 3, append(['b'], -1, 0)), at(5, 6, read('a'))],
    log: ['a'],
    isRight: false,
  },
  {
    name: 'one of two was refused',
    history: [at(1, 4, a0), at(2, 3, conflict(-1, 0)), at(5, 6, append(['b'], 0, 1)), at(7, 8, read('a', 'b'))],
    log: ['a', 'b'],
    isRight: true,
  },
  {
    name: 'one was refused before there was anything',
    history: [at(1, 2, conflict(-1, 0)), at(3, 4, a0)],
    log: ['a'],
    isRight: false,
  },
  {
    name: 'who was refused expected just that',
    history: [at(1, 2, a0), at(3, 4, conflict(0, 0))],
    log: ['a'],
    isRight: false,
  },
  {
    name: 'an append without an answer took effect',
    history: [at(1, Infinity, append(['a'], -1, undefined)), at(3, 4, read('a'))],
    log: ['a'],
    isRight: true,
  },
  {
    name: 'an append without an answer took no effect',
    history: [at(1, Infinity, append(['a'], -1, undefined)), at(3, 4, read())],
    log: [],
    isRight: true,
  },
  {
    name: 'an append without an answer took effect, and then not',
    history: [at(1, Infinity, append(['a'], -1, undefined)), at(3, 4, read('a')), at(5, 6, read())],
    log: ['a'],
    isRight: false,
  },
  {
    name: 'a part of an append was seen',
    history: [at(1, 6, append(['a', 'b'], -1, 1)), at(2, 3, read('a'))],
    log: ['a', 'b'],
    isRight: false,
  },
  {
    name: 'the answers are in another order than the log',
    history: [at(1, 9, append(['a'], undefined, 1)), at(2, 8, append(['b'], undefined, 0)), at(10, 11, read('b', 'a'))],
    log: ['b', 'a'],
    isRight: true,
  },
];

describe('the checkers of histories', () => {
  for (const { name, history, log, isRight } of examples) {
    it(`${isRight ? 'accept' : 'reject'}: ${name}`, () => {
      assert.equal(isLinearizable(history), isRight, 'by search');
      assert.equal(contradictions(history, log).length === 0, isRight, 'by the log');
    });
  }

  it('an event that is in the log twice is found by the log', () => {
    assert.ok(contradictions([at(1, 2, a0)], ['a', 'a']).includes('an event stands in the log twice'));
  });
});

function at(invokedAt: number, returnedAt: number, did: Did): Operation {
  return { stream: 's', invokedAt, returnedAt, did };
}

function read(...ids: readonly string[]): Did {
  return { kind: 'read', ids };
}

function append(ids: readonly string[], expected: number | undefined, revision: number | undefined): Did {
  return { kind: 'append', ids, expected, revision };
}

function conflict(expected: number, actual: number): Did {
  return { kind: 'conflict', expected, actual };
}
