import type { EventStore } from '../store/event-store.ts';
import type { ContractCase, ContractSuite, Feature } from './contract-case.ts';
import { contractSuites } from './contract-suites.ts';

/** How the contract finds the store that it is about. */
export interface ContractRunOptions {
  /** Opens the store: the same log each time, unless `durability` is unsupported. */
  readonly open: () => Promise<EventStore>;
  /** What the adapter cannot do, each with a reason that a reader of the test report understands. */
  readonly unsupported?: Partial<Readonly<Record<Feature, string>>>;
}

/** A case as a test runner takes it. */
export interface RunnableCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** The whole contract for one adapter. Dispose of it after the last case: that closes the store. */
export interface ContractRun extends AsyncDisposable {
  readonly suites: readonly { readonly name: string; readonly cases: readonly RunnableCase[] }[];
  /** The cases that the adapter cannot keep. */
  readonly unsupported: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * The contract of an event store, for any test runner. The cases share one store, which `open` gives when the first one
 * runs, and run one after the other.
 *
 * ```ts
 * const contract = contractRun({ open: () => openMyStore(path) });
 * after(() => contract[Symbol.asyncDispose]());
 * for (const { name, cases } of contract.suites) {
 *   describe(name, () => cases.forEach((each) => it(each.name, each.run)));
 * }
 * ```
 */
export function contractRun({ open, unsupported = {} }: ContractRunOptions): ContractRun {
  const shared = new SharedStore(open);
  const reason = (each: ContractCase): string | undefined =>
    each.needs?.map((feature) => unsupported[feature]).find((why) => why !== undefined);
  const runnable = (suite: ContractSuite): ContractRun['suites'][number] => ({
    name: suite.name,
    cases: suite.cases
      .filter((each) => reason(each) === undefined)
      .map(({ name, run }) => ({
        name,
        run: async () => run({ store: await shared.opened(), reopen: () => shared.reopen() }),
      })),
  });
  return {
    suites: contractSuites.map(runnable).filter(({ cases }) => cases.length > 0),
    unsupported: contractSuites
      .flatMap(({ cases }) => cases)
      .flatMap((each) => {
        const why = reason(each);
        return why === undefined ? [] : [{ name: each.name, reason: why }];
      }),
    [Symbol.asyncDispose]: () => shared[Symbol.asyncDispose](),
  };
}

class SharedStore implements AsyncDisposable {
  readonly #open: () => Promise<EventStore>;
  #store: EventStore | undefined;

  constructor(open: () => Promise<EventStore>) {
    this.#open = open;
  }

  async opened(): Promise<EventStore> {
    return (this.#store ??= await this.#open());
  }

  async reopen(): Promise<EventStore> {
    await this[Symbol.asyncDispose]();
    return this.opened();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store?.[Symbol.asyncDispose]();
    this.#store = undefined;
  }
}
