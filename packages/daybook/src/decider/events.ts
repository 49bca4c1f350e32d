import { InvalidOption } from '../store/errors.ts';
import { streamName, type StreamName } from '../store/stream-name.ts';
import { InvalidCategory, InvalidEventData } from './errors.ts';
import { isPastTense } from './past-tense.ts';
import { isPromise, validate, type InputOf, type OutputOf, type StandardSchema } from './standard-schema.ts';
import type { Upcast } from './upcast.ts';
import { warn, type Warning } from './warnings.ts';

/** The event types of a category, and a schema for the data of each. */
export type Schemas = Readonly<Record<string, StandardSchema>>;

/** Something that happened: its type and its data, and nothing of where it is stored. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

/** What may be appended: data as the schemas take them. */
export type NewDomainEvent<S extends Schemas> = {
  [Type in keyof S & string]: DomainEvent<Type, InputOf<S[Type]>>;
}[keyof S & string];

/** What is folded: data as the schemas give them. */
export type StoredDomainEvent<S extends Schemas> = {
  [Type in keyof S & string]: DomainEvent<Type, OutputOf<S[Type]>>;
}[keyof S & string];

/** How stored events are read, and which names are meant as they are. */
export interface EventsOptions<S extends Schemas> {
  /**
   * What becomes of a stored event that is not what its schema asks for: it is given as it is, with a warning
   * (`warn`, the default); it stops the reader (`strict`); nobody looks, and no schema transforms (`off`).
   */
  readonly onRead?: 'warn' | 'strict' | 'off' | undefined;
  /** From the shapes that a type's data had before to today's, oldest first. Add steps at the end, and never take one away. */
  readonly upcast?: { readonly [Type in keyof S]?: readonly Upcast[] } | undefined;
  /** Types that are called something else today: `{ OrderDispatched: 'OrderShipped' }`. Their steps go with them. */
  readonly renamed?: Readonly<Record<string, keyof S & string>> | undefined;
  /** Names that are meant although they do not say that something happened. `any`: do not look at names. */
  readonly allowNames?: readonly (keyof S & string)[] | 'any' | undefined;
}

/** The events of a category, as `events` declares them. */
export interface EventsDefinition<S extends Schemas = Schemas> {
  readonly category: string;
  readonly schemas: S;
  readonly options: EventsOptions<S>;
  /** What about the declaration is probably not meant. */
  readonly warnings: readonly Warning[];
}

/** The events of a category, with a function for each type that makes one. */
export type Events<S extends Schemas> = EventsDefinition<S> & {
  readonly [Type in keyof S & string]: (data: InputOf<S[Type]>) => DomainEvent<Type, InputOf<S[Type]>>;
};

/** The names that a definition has for itself. */
const reserved: ReadonlySet<string> = new Set(['category', 'schemas', 'options', 'warnings']);

/**
 * The events that streams of a category hold. A schema is any Standard Schema. What is stored is what was given, as JSON,
 * once the schema has agreed to it: not what the schema makes of it. Readers get what the schema makes of it.
 *
 *     const Order = events('CustomerOrder', { OrderShipped: z.object({ carrier: z.string() }) });
 *     Order.OrderShipped({ carrier: 'fedex' }); // { type: 'OrderShipped', data: { carrier: 'fedex' } }
 *
 * The functions throw `InvalidEventData` when the data do not fit. A schema that takes its time cannot be asked there;
 * it is when the event is appended.
 *
 * @throws InvalidCategory when it is empty, begins with `$`, or has a `-`: the first `-` of a stream name ends its category.
 * @throws InvalidOption when a type cannot be declared.
 */
export function events<S extends Schemas>(category: string, schemas: S, options: EventsOptions<S> = {}): Events<S> {
  checkCategory(category);
  const types = Object.keys(schemas);
  checkTypes(types, options);
  const warnings = types.filter((type) => !isAllowed(type, options)).map((type) => nameWarning(category, type));
  for (const warning of warnings) warn(() => warning);
  const constructors = Object.fromEntries(types.map((type) => [type, constructorOf(type, schemas[type]!)])); // Its own keys.
  const definition: EventsDefinition<S> = { category, schemas, options, warnings };
  return Object.freeze({ ...constructors, ...definition }) as Events<S>; // One constructor for each type.
}

/**
 * The stream of one thing of a category: `CustomerOrder-123456789`.
 *
 * @throws InvalidOption when the id is empty.
 * @throws InvalidStreamName when the name would be too long or not be Unicode.
 */
export function streamOf(of: { readonly category: string }, id: string): StreamName {
  if (id === '') throw new InvalidOption('id', 'it is empty');
  return streamName(`${of.category}-${id}`);
}

function constructorOf(type: string, schema: StandardSchema): (data: unknown) => DomainEvent {
  return (given) => {
    const data: unknown = JSON.parse(jsonText(type, given));
    const result = validate(schema, data);
    if (isPromise(result)) {
      result.catch(() => {}); // Asked again, and waited for, when it is appended.
    } else if (result.issues !== undefined) {
      throw new InvalidEventData(type, result.issues);
    }
    return { type, data };
  };
}

/**
 * Data as the JSON that is stored.
 *
 * @throws InvalidEventData when JSON has no such thing.
 */
export function jsonText(type: string, data: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (cause) {
    throw new InvalidEventData(type, [{ message: `it is not JSON: ${String(cause)}` }], { cause });
  }
  if (text === undefined) throw new InvalidEventData(type, [{ message: `${typeof data} is not JSON` }]);
  return text;
}

function checkCategory(category: string): void {
  if (category === '') throw new InvalidCategory(category, 'it is empty');
  if (category.startsWith('$')) throw new InvalidCategory(category, 'what begins with $ belongs to the system');
  if (category.includes('-')) {
    throw new InvalidCategory(category, 'it has a hyphen, and the first hyphen of a stream name ends its category');
  }
  streamName(category);
}

function checkTypes<S extends Schemas>(types: readonly string[], { renamed = {} }: EventsOptions<S>): void {
  if (types.length === 0) throw new InvalidOption('schemas', 'there is no event type');
  const taken = types.find((type) => type === '' || reserved.has(type));
  if (taken !== undefined)
    throw new InvalidOption('schemas', `an event type cannot be called ${JSON.stringify(taken)}`);
  for (const [old, today] of Object.entries(renamed)) {
    if (types.includes(old)) throw new InvalidOption('renamed', `${old} is still declared`);
    if (!types.includes(today)) throw new InvalidOption('renamed', `${old} became ${today}, which is not declared`);
  }
}

function isAllowed<S extends Schemas>(type: string, { allowNames = [] }: EventsOptions<S>): boolean {
  return allowNames === 'any' || allowNames.includes(type) || isPastTense(type);
}

function nameWarning(category: string, type: string): Warning {
  const message = `${type} of ${category} does not say that something happened. Name events in the past tense, as in OrderShipped.`;
  return { code: 'event-name', message, facts: { category, type } };
}
