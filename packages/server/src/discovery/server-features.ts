import type { Handler } from '../grpc/call.ts';
import { frame } from '../grpc/frame.ts';
import { bytesField } from './protobuf.ts';

/** Described by the public KurrentDB interface. */
export const serverFeaturesPath = '/event_store.client.server_features.ServerFeatures/GetSupportedMethods';

/** What a client may ask of a method beyond its being there, by path in lower case. */
const features: Readonly<Record<string, readonly string[]>> = {
  '/event_store.client.streams.streams/batchappend': ['deadline_duration'],
  '/event_store.client.streams.streams/read': ['position', 'events'],
};

/** The services that clients look for. */
const listed = /client|kurrentdb\.protocol/;

/** Tells a client which methods there are: those, and only those, whose paths are given. Never fails. */
export function serverFeatures(paths: readonly string[]): Handler {
  const answer = frame(supportedMethods(paths));
  return async (call) => {
    call.answer(answer);
  };
}

/**
 * The version of KurrentDB whose interface these methods make. Clients decide by it what they may call, so it is no
 * higher than the newest method that is there.
 */
export function protocolVersion(paths: readonly string[]): string {
  const has = (method: string): boolean => paths.includes(`/kurrentdb.protocol.v2.streams.StreamsService/${method}`);
  if (has('AppendRecords')) return '26.1.0';
  return has('AppendSession') ? '25.1.0' : '24.10.0';
}

function supportedMethods(paths: readonly string[]): Buffer {
  const methods = paths.flatMap((path) => {
    const [, service = '', method = ''] = path.toLowerCase().split('/');
    if (!listed.test(service)) return [];
    const more = (features[path.toLowerCase()] ?? []).map((feature) => bytesField(3, feature));
    return [bytesField(1, bytesField(1, method), bytesField(2, service), ...more)];
  });
  return Buffer.concat([...methods, bytesField(2, protocolVersion(paths))]);
}
