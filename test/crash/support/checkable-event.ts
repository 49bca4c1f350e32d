import { streamName, type NewEvent, type RecordedEvent, type StreamName } from 'daybook';

/** What an event of a crash test says about itself, so that a checker needs no memory of the writer. */
export interface Tick {
  /** Who appended it. One writer appends one batch after the other. */
  readonly writer: string;
  /** The batch: 0, 1, 2, one append each. */
  readonly batch: number;
  /** How many events the batch has. */
  readonly size: number;
  /** The place of the event in its batch: 0, 1, 2. */
  readonly index: number;
}

/** The category of all streams in the crash tests. */
export const category = 'Torture';

/** The stream of a writer, one of several if it appends to several at once. */
export function tortureStream(writer: string, part = 0): StreamName {
  return streamName(`${category}-${writer}-${part}`);
}

/** How many events a batch has: 1 to 5. */
function batchSize(batch: number): number {
  return 1 + (batch % 5);
}

/** All events of a batch. */
export function batchEvents(writer: string, batch: number, size: number = batchSize(batch)): readonly NewEvent[] {
  return Array.from({ length: size }, (_, index) => checkableEvent({ writer, batch, size, index }));
}

/** The one event that a tick can be: the same id and the same bytes each time. */
function checkableEvent(tick: Tick): NewEvent {
  const { writer, batch, size, index } = tick;
  const mix = hash(`${writer}/${batch}/${index}`);
  // Most events are small; some span several pages of a file.
  const padding = mix % 23 === 0 ? 2_000 + (mix % 4_000) : mix % 97;
  const data = { w: writer, batch, n: size, i: index, pad: letters(mix, padding) };
  return {
    id: eventId(tick),
    type: `Ticked${mix % 3}`,
    data: Buffer.from(JSON.stringify(data)),
    metadata: batch % 8 === 0 ? Buffer.from(JSON.stringify({ $correlationId: `${writer}-${batch}` })) : undefined,
    contentType: 'application/json',
  };
}

/** What an event says about itself, or `undefined` when it is not, byte for byte, the event of any tick. */
export function tickOf(event: Pick<RecordedEvent, 'id' | 'type' | 'data' | 'metadata'>): Tick | undefined {
  const tick = parsed(event.data);
  if (tick === undefined) return undefined;
  const genuine = checkableEvent(tick);
  const isGenuine =
    event.id === genuine.id &&
    event.type === genuine.type &&
    Buffer.compare(event.data, genuine.data) === 0 &&
    Buffer.compare(event.metadata, genuine.metadata ?? new Uint8Array()) === 0;
  return isGenuine ? tick : undefined;
}

function parsed(data: Uint8Array): Tick | undefined {
  try {
    const { w, batch, n, i } = JSON.parse(Buffer.from(data).toString()) as Record<string, unknown>; // Checked below.
    const isTick = typeof w === 'string' && typeof batch === 'number' && typeof n === 'number' && typeof i === 'number';
    return isTick ? { writer: w, batch, size: n, index: i } : undefined;
  } catch {
    return undefined;
  }
}

function eventId({ writer, batch, index }: Tick): string {
  const who = hash(writer).toString(16).padStart(8, '0');
  return `${who}-${hex(batch >>> 16)}-4${hex(index).slice(1)}-8000-${hex(0)}${hex(batch >>> 16)}${hex(batch & 0xffff)}`;
}

function hex(number: number): string {
  return number.toString(16).padStart(4, '0');
}

/** FNV-1a. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  }
  return state >>> 0;
}

function letters(seed: number, length: number): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
  const start = seed % alphabet.length;
  return (alphabet.slice(start) + alphabet.repeat(Math.ceil(length / alphabet.length))).slice(0, length);
}
