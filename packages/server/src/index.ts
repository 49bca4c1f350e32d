export { AccessControlMissing, PortInUse } from './errors.ts';
export { linearMatcher } from './linear-matcher.ts';
export type { Server, ServerStats } from './server.ts';
export { startServer, type StartServerOptions } from './start-server.ts';
