import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What is answered to a request. */
export interface Answer {
  readonly status: number;
  /** Sent as JSON. Absent: an answer without a body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers GET and HEAD of one path. */
export type Route = (query: URLSearchParams) => Answer | Promise<Answer>;

/** Routes by path. */
export type Routes = Readonly<Record<string, Route>>;

export interface HttpLimits {
  /** How long a client may take for the headers of a request. */
  readonly headersMs: number;
  /** How long it may take for the whole request. */
  readonly requestMs: number;
  /** How long a connection without a request stays open. */
  readonly idleMs: number;
  /** How often these times are looked at. */
  readonly checkEveryMs: number;
}

export const defaultHttpLimits: HttpLimits = {
  headersMs: 10_000,
  requestMs: 30_000,
  idleMs: 5_000,
  checkEveryMs: 5_000,
};

/** A server of HTTP/1.1 that gets its sockets from somebody else: `emit('connection', socket)`. */
export function createHttpServer(routes: Routes, limits: HttpLimits): Server {
  const byPath = new Map(Object.entries(routes));
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: limits.checkEveryMs,
    },
    (request, response) => {
      request.resume(); // No request has a body that matters.
      void answer(byPath, request).then((found) => send(request, response, found));
    },
  );
  // A server of Node looks for slow clients from the moment it listens, and this one never does so itself.
  server.emit('listening');
  return server;
}

async function answer(routes: ReadonlyMap<string, Route>, { url = '', method = '' }: IncomingMessage): Promise<Answer> {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const route = routes.get(path);
  if (route === undefined) return problem(404, 'not-found', 'There is nothing at this path.');
  if (method !== 'GET' && method !== 'HEAD') {
    const refusal = problem(405, 'method-not-allowed', 'This path is only read: use GET.');
    return { ...refusal, headers: { allow: 'GET, HEAD' } };
  }
  try {
    return await route(new URLSearchParams(at < 0 ? '' : url.slice(at)));
  } catch {
    return problem(500, 'internal', 'The server failed in a way that it does not know.');
  }
}

/** An answer that says what is wrong, in words of the errors of the library. */
export function problem(status: number, code: string, message: string): Answer {
  return { status, body: { code, message } };
}

function send({ method }: IncomingMessage, response: ServerResponse, { status, body, headers }: Answer): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, {
    ...headers,
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    'cache-control': 'no-store',
  });
  response.end(method === 'HEAD' ? undefined : text);
}
