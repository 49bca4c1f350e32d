import {
  hangConsumer,
  jumpConsumerClock,
  killConsumer,
  poisonConsumer,
  repeatConsumer,
  twoConsumers,
} from './consumer-faults.ts';
import { hangModel, killModel, loseDatabase, poisonModel } from './model-faults.ts';
import { jumpClock, twoWriters } from './model-instances.ts';
import { rehearsed } from './model-rehearsals.ts';
import { restoreLog, restoreTables } from './model-restores.ts';
import type { Scenario } from './scenario.ts';

/** Everything that a game day can play, in the order in which it does. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'again',
    about: 'The same events into empty tables, and one at a time: the rows are the same.',
    onModel: rehearsed('again', 'other-batches'),
  },
  {
    name: 'twice',
    about:
      'Each event is delivered twice. Tables that count are fragile then: a run never does it, a checkpoint set by hand does. A consumer asks for the same again.',
    onModel: rehearsed('twice'),
    onConsumer: repeatConsumer,
  },
  {
    name: 'crash-at-statement',
    about:
      'The run ends at each statement of a handler in turn, 50 of them at most, all over the run: nothing differs.',
    onModel: rehearsed('fail-at-statement'),
  },
  {
    name: 'reorder',
    about: 'The events of different streams come in 8 other orders: the rows are the same.',
    onModel: rehearsed('other-order'),
  },
  {
    name: 'kill',
    about: 'The process is killed (SIGKILL) three times: an alert, no event lost, none counted twice.',
    onModel: killModel,
    onConsumer: killConsumer,
  },
  {
    name: 'hang',
    about: 'A handler never comes back: an alert, and all is well when the process is started again.',
    onModel: hangModel,
    onConsumer: hangConsumer,
  },
  {
    name: 'poison',
    about: 'One event fails however often it is tried: an alert, nothing is skipped, and it is handled when it can be.',
    onModel: poisonModel,
    onConsumer: poisonConsumer,
  },
  {
    name: 'lost-database',
    about: 'The database refuses every connection for five minutes, played in three seconds: an alert, nothing lost.',
    onModel: loseDatabase,
  },
  {
    name: 'restore-tables',
    about: 'The tables are restored to a copy from before: the read model goes on from there by itself.',
    onModel: restoreTables,
  },
  {
    name: 'restore-log',
    about: 'The log is restored to a copy from before: the read model refuses to go on, and is rebuilt.',
    onModel: restoreLog,
  },
  {
    name: 'two-writers',
    about: 'An instance sleeps through its lease, another takes over, the first wakes up: it cannot write any more.',
    onModel: twoWriters,
    onConsumer: twoConsumers,
  },
  {
    name: 'clock-jump',
    about: 'Another day, another time zone, and a clock that is put back two hours: nothing differs.',
    onModel: jumpClock,
    onConsumer: jumpConsumerClock,
  },
];
