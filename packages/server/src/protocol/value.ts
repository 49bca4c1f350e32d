import { MalformedMessage, type Reader } from './reader.ts';

/** Values within values: what goes deeper is refused, so that no request can exhaust the stack. */
const depthAtMost = 64;

/** `google.protobuf.Value`: a value as JSON has it. */
export function readValue(reader: Reader, depth = 0): unknown {
  if (depth > depthAtMost) throw new MalformedMessage(`Values are nested more than ${depthAtMost} deep.`);
  let value: unknown = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        reader.skip();
        value = null;
        break;
      case 2:
        value = reader.double();
        break;
      case 3:
        value = reader.string();
        break;
      case 4:
        value = reader.bool();
        break;
      case 5:
        value = readStruct(reader.message(), depth + 1);
        break;
      case 6:
        value = readList(reader.message(), depth + 1);
        break;
      default:
        reader.skip();
    }
  }
  return value;
}

/** An entry of a map from text to values. */
export function readValueEntry(reader: Reader, depth = 0): readonly [key: string, value: unknown] {
  let key = '';
  let value: unknown = null;
  while (reader.next()) {
    if (reader.field === 1) key = reader.string();
    else if (reader.field === 2) value = readValue(reader.message(), depth);
    else reader.skip();
  }
  return [key, value];
}

function readStruct(reader: Reader, depth: number): unknown {
  const entries: (readonly [string, unknown])[] = [];
  while (reader.next()) {
    if (reader.field === 1) entries.push(readValueEntry(reader.message(), depth));
    else reader.skip();
  }
  return Object.fromEntries(entries);
}

function readList(reader: Reader, depth: number): unknown {
  const values: unknown[] = [];
  while (reader.next()) {
    if (reader.field === 1) values.push(readValue(reader.message(), depth));
    else reader.skip();
  }
  return values;
}
