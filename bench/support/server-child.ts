import { startChild, type Child } from '../../test/crash/support/child.ts';

/** A server in a process of its own, as servers are, and its port. */
export interface BenchServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts a module that prints `ready` and then `port N`. */
export async function startServerChild(module: URL, ...args: readonly string[]): Promise<BenchServer> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child: Child = startChild(module, {
    args,
    onLine: (line) => {
      if (line.startsWith('port ')) resolve(Number(line.slice(5)));
    },
  });
  void child.ended.then(({ errors }) => reject(new Error(`The server ended: ${errors}`)));
  return { port: await promise, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}
