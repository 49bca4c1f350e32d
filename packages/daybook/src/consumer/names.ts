import { InvalidOption } from '../store/errors.ts';
import { streamName, type StreamName } from '../store/stream-name.ts';

/** What a consumer may be called: it becomes a part of stream names, and stays readable in them. */
const consumerName = /^[A-Za-z][A-Za-z0-9_.]{0,99}$/;

/** @throws InvalidOption unless a consumer can have this name. */
export function checkConsumerName(name: string): void {
  if (consumerName.test(name)) return;
  throw new InvalidOption(
    'name',
    `${JSON.stringify(name)}: a consumer's name begins with a letter and has at most 100 letters, digits, _ and .`,
  );
}

/**
 * Where a consumer keeps its place in a source: the source without `$` and `-`, the consumer, `checkpoints`. For
 * `$et-OrderCreated` and `EmailOnOrderCreated` that is `etOrderCreated_EmailOnOrderCreated_checkpoints`.
 *
 * Two sources can have the same name without `$` and `-`. What a checkpoint says about its owner tells them apart.
 */
export function checkpointStreamOf(source: StreamName, consumer: string): StreamName {
  return streamName(`${source.replaceAll(/[$-]/g, '')}_${consumer}_checkpoints`);
}

/** What a consumer, or a read model, says about itself. */
export function statusStreamOf(consumer: string): StreamName {
  return streamName(`${statusPrefix}${consumer}`);
}

/** What people ask a consumer to do. */
export function controlStreamOf(consumer: string): StreamName {
  return streamName(`$control-${consumer}`);
}

/** Which instance of a consumer is the active one. */
export function leaseStreamOf(consumer: string): StreamName {
  return streamName(`$lease-${consumer}`);
}

/** What a consumer has set aside. */
export function parkedStreamOf(consumer: string): StreamName {
  return streamName(`$parked-${consumer}`);
}

/** What people did to a read model: repairs, rebuilds, switches. */
export function opsStreamOf(readModel: string): StreamName {
  return streamName(`$ops-${readModel}`);
}

/** How the names of all status streams begin. */
export const statusPrefix = '$consumer-';

/** What was raised and resolved by a watch. */
export const alertsStream: StreamName = streamName('$alerts');
