export { linearMatcher } from './linear-matcher.ts';
export { streamsMethods, type StreamsOptions } from './streams-methods.ts';
export { toGrpcError } from './to-grpc-error.ts';
