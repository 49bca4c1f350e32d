import { problem, type Answer, type Routes } from './http-server.ts';

/** What the routes tell about the server. */
export interface HttpState {
  /** The version of KurrentDB's interface that is spoken. */
  readonly protocolVersion: string;
  readonly version: string;
  /** Whether events can be read and appended now. */
  readonly isReady: () => Promise<boolean>;
}

/** What is answered over HTTP: whether the server lives, is ready, and what it is. */
export function httpRoutes({ protocolVersion, version, isReady }: HttpState): Routes {
  return {
    '/health/live': (query) => live(query.get('liveCode')),
    '/health/ready': async () =>
      (await isReady()) ? { status: 204 } : problem(503, 'not-ready', 'The server takes no calls now.'),
    '/info': () => ({
      status: 200,
      body: {
        server: 'daybook',
        version,
        dbVersion: protocolVersion,
        esVersion: protocolVersion,
        state: 'leader',
        features: { projections: false, userManagement: false, atomPub: false },
        authentication: { type: 'insecure', properties: {} },
      },
    }),
    '/ping': () => ({ status: 200, body: { text: 'Ping request successfully handled' } }),
  };
}

/** `liveCode` is the status that a caller wants to see, as KurrentDB has it: some load balancers know only 200. */
function live(liveCode: string | null): Answer {
  if (liveCode === null) return { status: 204 };
  const code = /^[2-5]\d\d$/.test(liveCode) ? Number(liveCode) : undefined;
  return code === undefined
    ? problem(400, 'invalid-option', 'liveCode is a status between 200 and 599.')
    : { status: code };
}
