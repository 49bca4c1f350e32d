import { join } from 'node:path';

import { startChild, type Child } from './child.ts';
import { memoryFolder } from './folder.ts';

/** What a server costs. */
export interface Costs {
  /** Memory of the process. What V8 and the allocator have once got they keep for a while. */
  readonly rssBytes: number;
  /** What of it is in use, or is garbage that was not collected yet. */
  readonly liveBytes: number;
  /** Of all its threads, since it started. */
  readonly cpuMs: number;
  readonly sockets: number;
  readonly calls: number;
}

/** A server in a process of its own that says what it costs. */
export interface WatchedServer extends AsyncDisposable {
  readonly port: number;
  costs(): Promise<Costs>;
  /** Makes it collect its garbage. */
  collect(): Promise<void>;
  /** Appends so many events of so many bytes, to streams of its own. */
  append(events: number, bytes: number): Promise<void>;
  /** The server has ended by itself, which it must not. */
  readonly failed: Promise<string>;
}

/** Its store is in memory, or in a `folder`. */
export async function startWatchedServer({
  mutant = '',
  folder,
}: { readonly mutant?: string; readonly folder?: string } = {}): Promise<WatchedServer> {
  using files = new DisposableStack();
  const path = folder === undefined ? files.use(memoryFolder()).file('x.db') : join(folder, 'x.db');
  let answer = Promise.withResolvers<string>();
  const port = Promise.withResolvers<number>();
  const child: Child = startChild(new URL('watched-server-child.ts', import.meta.url), {
    args: [path, mutant],
    onLine: (line) => (line.startsWith('port ') ? port.resolve(Number(line.slice(5))) : answer.resolve(line)),
  });
  const failed = child.ended.then(({ code, signal, errors }) => `The server ended with ${signal ?? code}: ${errors}`);
  const ended = failed.then((reason) => Promise.reject(new Error(reason)));
  ended.catch(() => {}); // Who waits for an answer sees it.
  const ask = (line: string): Promise<string> => {
    answer = Promise.withResolvers();
    child.send(line);
    return Promise.race([answer.promise, ended]);
  };
  const at = await Promise.race([port.promise, ended]);
  const kept = files.move();
  return {
    port: at,
    failed,
    costs: async () => JSON.parse((await ask('costs')).slice('costs '.length)) as Costs, // Our own child wrote it.
    collect: async () => void (await ask('collect')),
    append: async (events, bytes) => void (await ask(`append ${events} ${bytes}`)),
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      kept.dispose();
    },
  };
}
