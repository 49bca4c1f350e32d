import { MalformedMessage, type Reader } from './reader.ts';
import { readStreamIdentifier, type UuidForm } from './shared.ts';

/** `ReadReq`: what to read, and how. What the client left out is absent. */
export interface ReadRequest {
  /** Absent: `$all`. */
  readonly stream: string | undefined;
  readonly from: bigint | 'start' | 'end' | undefined;
  readonly direction: 'forwards' | 'backwards';
  readonly resolveLinks: boolean;
  /** How many events, or all that ever come. */
  readonly count: bigint | 'subscription' | undefined;
  readonly filter: ReadFilter | 'none' | undefined;
  readonly uuidForm: UuidForm | undefined;
  /** From 1 on, reads of streams say where the stream begins and ends. */
  readonly compatibility: number;
}

/** Which events of `$all` a client wants. */
export interface ReadFilter {
  readonly field: 'stream' | 'type' | undefined;
  readonly regex: string;
  readonly prefixes: readonly string[];
  /** How many events to look at between two checkpoints: this many times the multiplier. Absent: the server says. */
  readonly window: number | undefined;
  readonly multiplier: number;
}

/** Reads a `ReadReq`. */
export function readReadRequest(reader: Reader): ReadRequest {
  let request: ReadRequest | undefined;
  while (reader.next()) {
    if (reader.field === 1) request = readOptions(reader.message());
    else reader.skip();
  }
  if (request === undefined) throw new MalformedMessage('The request has no options.');
  return request;
}

type Place = Pick<ReadRequest, 'stream' | 'from'>;

function readOptions(reader: Reader): ReadRequest {
  let place: Place | undefined;
  let direction: ReadRequest['direction'] = 'forwards';
  let resolveLinks = false;
  let count: ReadRequest['count'];
  let filter: ReadRequest['filter'];
  let uuidForm: UuidForm | undefined;
  let compatibility = 0;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        place = readStreamOptions(reader.message());
        break;
      case 2:
        place = { stream: undefined, from: readAllOptions(reader.message()) };
        break;
      case 3:
        direction = reader.uint32() === 1 ? 'backwards' : 'forwards';
        break;
      case 4:
        resolveLinks = reader.bool();
        break;
      case 5:
        count = reader.uint64();
        break;
      case 6:
        reader.skip();
        count = 'subscription';
        break;
      case 7:
        filter = readFilter(reader.message());
        break;
      case 8:
        reader.skip();
        filter = 'none';
        break;
      case 9:
        uuidForm = readUuidForm(reader.message());
        break;
      case 10:
        compatibility = readCompatibility(reader.message());
        break;
      default:
        reader.skip();
    }
  }
  if (place === undefined) throw new MalformedMessage('The request names neither a stream nor $all.');
  return { ...place, direction, resolveLinks, count, filter, uuidForm, compatibility };
}

function readStreamOptions(reader: Reader): Place {
  let stream = '';
  let from: Place['from'];
  while (reader.next()) {
    if (reader.field === 1) stream = readStreamIdentifier(reader.message());
    else if (reader.field === 2) from = reader.uint64();
    else from = readEdge(reader) ?? from;
  }
  return { stream, from };
}

function readAllOptions(reader: Reader): Place['from'] {
  let from: Place['from'];
  while (reader.next()) {
    if (reader.field === 1) from = readCommitPosition(reader.message());
    else if (reader.field === 2) from = readEdgeOf(reader, 'start');
    else if (reader.field === 3) from = readEdgeOf(reader, 'end');
    else reader.skip();
  }
  return from;
}

function readEdge(reader: Reader): 'start' | 'end' | undefined {
  const { field } = reader;
  reader.skip();
  return field === 3 ? 'start' : field === 4 ? 'end' : undefined;
}

function readEdgeOf<Edge>(reader: Reader, edge: Edge): Edge {
  reader.skip();
  return edge;
}

function readCommitPosition(reader: Reader): bigint {
  let commit = 0n;
  while (reader.next()) {
    if (reader.field === 1) commit = reader.uint64();
    else reader.skip();
  }
  return commit;
}

function readFilter(reader: Reader): ReadFilter {
  let field: ReadFilter['field'];
  let expression: Pick<ReadFilter, 'regex' | 'prefixes'> = { regex: '', prefixes: [] };
  let window: number | undefined;
  let multiplier = 1;
  while (reader.next()) {
    if (reader.field === 1 || reader.field === 2) {
      field = reader.field === 1 ? 'stream' : 'type';
      expression = readExpression(reader.message());
    } else if (reader.field === 3) window = reader.uint32();
    else if (reader.field === 5) multiplier = reader.uint32();
    else reader.skip();
  }
  return { field, ...expression, window, multiplier };
}

function readExpression(reader: Reader): Pick<ReadFilter, 'regex' | 'prefixes'> {
  let regex = '';
  const prefixes: string[] = [];
  while (reader.next()) {
    if (reader.field === 1) regex = reader.string();
    else if (reader.field === 2) prefixes.push(reader.string());
    else reader.skip();
  }
  return { regex, prefixes };
}

function readUuidForm(reader: Reader): UuidForm | undefined {
  let form: UuidForm | undefined;
  while (reader.next()) {
    if (reader.field === 1) form = 'structured';
    else if (reader.field === 2) form = 'string';
    reader.skip();
  }
  return form;
}

function readCompatibility(reader: Reader): number {
  let compatibility = 0;
  while (reader.next()) {
    if (reader.field === 1) compatibility = reader.uint32();
    else reader.skip();
  }
  return compatibility;
}
