import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface AnswerLostOptions {
  /** Of the server. */
  readonly port: number;
  /** What a client says last: from then on it hears nothing more. */
  readonly marker: string;
  /** What has to be so before the connection is cut. */
  readonly cutAfter: () => Promise<void>;
}

/** A way to a server on which the answer to something gets lost: it arrives, is done, and then the connection breaks. */
export async function answerLost(options: AnswerLostOptions): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  const listening = createServer((client) => {
    const server = connect(options.port, '127.0.0.1');
    let said = Buffer.alloc(0);
    let isLost = false;
    for (const socket of [client, server]) sockets.add(socket.on('error', () => {}).on('close', cut));
    client.on('data', (bytes) => {
      server.write(bytes);
      if (isLost) return;
      said = Buffer.concat([said, bytes]);
      isLost = said.includes(options.marker);
      if (isLost) options.cutAfter().then(cut, cut);
    });
    server.on('data', (bytes) => {
      if (!isLost) client.write(bytes);
    });
  });
  await once(listening.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (listening.address() as AddressInfo).port, // It listens on a port.
    async [Symbol.asyncDispose]() {
      cut();
      listening.close();
      await once(listening, 'close');
    },
  };
}
