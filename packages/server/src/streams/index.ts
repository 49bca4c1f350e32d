export { linearMatcher } from './linear-matcher.ts';
export { streamsMethods } from './streams-methods.ts';
export { toGrpcError } from './to-grpc-error.ts';
