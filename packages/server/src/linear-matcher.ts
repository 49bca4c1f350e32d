export { linearMatcher } from './streams/linear-matcher.ts';
