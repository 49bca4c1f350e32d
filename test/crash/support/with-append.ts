import type { EventStore } from 'daybook';

/** A store that appends as `append` does, and does everything else as it did. */
export function withAppend(store: EventStore, append: EventStore['append']): EventStore {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'append') return append;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
