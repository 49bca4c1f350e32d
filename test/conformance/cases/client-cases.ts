import type { ClientCase } from '../support/client-case.ts';
import { appendCases } from './append-cases.ts';
import { deleteCases } from './delete-cases.ts';
import { readCases } from './read-cases.ts';
import { recordsCases } from './records-cases.ts';
import { subscribeCases } from './subscribe-cases.ts';

/** All cases, for both clients. */
export const clientCases: readonly ClientCase[] = [
  ...appendCases,
  ...readCases,
  ...deleteCases,
  ...subscribeCases,
  ...recordsCases,
];
