import { createHash } from 'node:crypto';

import { streamName, type NewEvent, type StreamName } from 'daybook';

/** An event of the sample, and where it goes. */
export interface SampleEvent {
  readonly stream: StreamName;
  readonly event: NewEvent;
  readonly createdMs: number;
}

/** A JSON event that is the same each time, its id included. */
export function sampleEvent(sample: {
  readonly stream: string;
  readonly number: number;
  readonly type: string;
  readonly json: string;
  readonly createdMs: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
}): SampleEvent {
  const { stream, number, type, json, createdMs, metadata } = sample;
  return {
    stream: streamName(stream),
    createdMs,
    event: {
      id: sampleId(`${stream}/${number}`),
      type,
      data: Buffer.from(json),
      metadata: metadata && Buffer.from(JSON.stringify(metadata)),
      contentType: 'application/json',
      created: new Date(createdMs),
    },
  };
}

/** A UUID that stands for a text. */
export function sampleId(text: string): string {
  const hash = createHash('sha256').update(`daybook sample ${text}`).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
