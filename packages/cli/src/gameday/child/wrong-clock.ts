/** Puts the clock of this process wrong. It is a process of a game day, which ends with its scenario. */
export function putClockWrong(offsetMs: number): { jump(ms: number): void } {
  const right = Date;
  let wrongMs = offsetMs;
  class WrongDate extends right {
    constructor(...given: readonly unknown[]) {
      // All ways to make a date are handed on; only the one without an argument asks for the time.
      super(...((given.length === 0 ? [right.now() + wrongMs] : given) as [number]));
    }

    static override now(): number {
      return right.now() + wrongMs;
    }
  }
  globalThis.Date = WrongDate as DateConstructor; // What calls it without `new` gets an error: nobody does.
  return {
    jump: (ms) => {
      wrongMs += ms;
    },
  };
}
