import { position, revision } from '../store/position.ts';
import { StateNotJson } from './errors.ts';
import type { CachedState } from './state-cache.ts';

/** What a cached state looks like as JSON. */
interface StoredState {
  readonly state: unknown;
  readonly revision?: string;
  readonly position?: string;
  readonly eventId?: string;
  readonly idTails: string;
  readonly asOfMs: number;
}

/**
 * A cached state as text, for a cache outside of the process. The state must be JSON: objects, lists, text, finite
 * numbers, `true`, `false`, `null`. Members that are `undefined` are left out.
 *
 * @throws StateNotJson when it has something else in it, which would come back as something else.
 */
export function cachedStateText(cached: CachedState): string {
  checkJson(cached.state, []);
  const bytes = Buffer.alloc(4 * cached.idTails.length);
  cached.idTails.forEach((tail, index) => bytes.writeUInt32LE(tail, 4 * index));
  const stored: StoredState = {
    state: cached.state,
    asOfMs: cached.asOfMs,
    idTails: bytes.toString('base64'),
    ...(cached.revision !== undefined && { revision: String(cached.revision) }),
    ...(cached.position !== undefined && { position: String(cached.position) }),
    ...(cached.eventId !== undefined && { eventId: cached.eventId }),
  };
  return JSON.stringify(stored);
}

/** What `cachedStateText` made a text of. */
export function cachedStateOf(text: string): CachedState {
  const stored = JSON.parse(text) as StoredState; // Nobody else writes it.
  const bytes = Buffer.from(stored.idTails, 'base64');
  return {
    state: stored.state,
    revision: stored.revision === undefined ? undefined : revision(BigInt(stored.revision)),
    position: stored.position === undefined ? undefined : position(BigInt(stored.position)),
    eventId: stored.eventId,
    idTails: Uint32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32LE(4 * index)),
    asOfMs: stored.asOfMs,
  };
}

function checkJson(value: unknown, path: readonly string[]): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) checkJson(value[index], [...path, String(index)]);
    return;
  }
  if (typeof value !== 'object' || !isPlain(value)) throw new StateNotJson(path, kindOf(value));
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) checkJson(member, [...path, key]);
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && !('toJSON' in value);
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? String(value) : typeof value;
  return value.constructor.name;
}
