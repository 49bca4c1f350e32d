import { UnknownOutcome, type EventStore } from 'daybook';

/** A store whose appends can be told what befalls them. Everything else is the store behind it. */
export function withAppend(
  behind: EventStore,
  append: (next: EventStore['append']) => EventStore['append'],
): EventStore {
  const next: EventStore['append'] = (...options) => behind.append(...options);
  return new Proxy(behind, {
    get: (target, name) => {
      if (name === 'append') return append(next);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A store that writes and loses the answer to the first append. */
export function losingOneAnswer(behind: EventStore): EventStore {
  let isLost = false;
  return withAppend(behind, (next) => async (...options) => {
    const answer = await next(...options);
    if (isLost) return answer;
    isLost = true;
    throw new UnknownOutcome('The connection was lost.');
  });
}

/** A store that says `appended` of everything, as a protocol does that cannot tell, and admits it. */
export function guessing(behind: EventStore): EventStore {
  const store = withAppend(behind, (next) => async (...options) => ({
    ...(await next(...options)),
    outcome: 'appended',
  }));
  return new Proxy(store, {
    get: (target, name) => (name === 'guessesOutcome' ? true : (Reflect.get(target, name) as unknown)),
  });
}
