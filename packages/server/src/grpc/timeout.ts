import { GrpcError, status } from './status.ts';

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/**
 * The time that a `grpc-timeout` header gives a call, in milliseconds: at most eight digits and a unit.
 *
 * @throws GrpcError when it is something else.
 */
export function timeoutMs(header: string): number {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  const ms = unit === undefined ? undefined : unitMs[unit];
  if (ms === undefined) throw new GrpcError(status.internal, 'The grpc-timeout is malformed.');
  return Number(digits) * ms;
}
