import type { Command } from 'commander';

import type { Begin } from '../program.ts';
import { registerCheckConsumer } from './check-consumer.ts';
import { registerCheckModel } from './check-model.ts';

/** `daybook check …`: probes for monitoring. */
export function registerCheck(program: Command, begin: Begin): void {
  const check = program
    .command('check')
    .summary('probe for monitoring: 0 well, 1 worrying, 2 bad')
    .description('Says in one line how something is, and ends with 0 when it is well, 1 when worrying, 2 when bad.');
  registerCheckConsumer(check, begin);
  registerCheckModel(check, begin);
}
