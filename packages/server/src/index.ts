export { AccessControlMissing, PortInUse } from './errors.ts';
export type { Server, ServerStats } from './server.ts';
export { startServer, type StartServerOptions } from './start-server.ts';
export { linearMatcher } from './streams/index.ts';
