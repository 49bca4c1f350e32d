import type { RecordedEvent } from 'daybook';

import type { Column } from './print-rows.ts';

/** What a read is about, which decides what its rows must show. */
export type ReadOf = 'stream' | 'derived' | 'all';

const decoder = new TextDecoder();

/** The columns of events: first what they are found by. */
export function eventColumns(of: ReadOf): readonly Column<RecordedEvent>[] {
  const number: Column<RecordedEvent> = {
    title: of === 'all' ? 'POSITION' : '#',
    align: 'right',
    text: ({ position, link, revision }) => String(of === 'all' ? position : (link?.revision ?? revision)),
  };
  const source: Column<RecordedEvent> = { title: 'EVENT', text: ({ revision, stream }) => `${revision}@${stream}` };
  return [
    number,
    ...(of === 'stream' ? [] : [source]),
    { title: 'TYPE', text: ({ type }) => type },
    { title: 'CREATED', text: ({ created }) => created.toISOString() },
    { title: 'DATA', text: dataText },
    { title: 'METADATA', isDetail: true, text: ({ metadata }) => decoder.decode(metadata) },
    { title: 'ID', isDetail: true, text: ({ id }) => id },
    { title: 'POSITION', isDetail: true, text: ({ position }) => String(position) },
  ];
}

/** The data of an event as text: bytes that are not JSON are said to be bytes. */
function dataText({ data, contentType }: RecordedEvent): string {
  return contentType === 'application/json' ? decoder.decode(data) : `base64:${Buffer.from(data).toString('base64')}`;
}
