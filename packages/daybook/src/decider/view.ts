import { InvalidOption } from '../store/errors.ts';
import type { DomainEvent, EventsDefinition, Schemas } from './events.ts';
import type { OutputOf } from './standard-schema.ts';

/** A state that is folded from the events of a stream, as `view` declares it. */
export interface View<State = unknown, S extends Schemas = Schemas> {
  /** What its states are cached under: name and version. A view without a name is known to this process only. */
  readonly key: string;
  readonly isNamed: boolean;
  /** The category whose streams it is folded from. */
  readonly category: string;
  /** The schemas of all events that it may see. */
  readonly schemas: S;
  readonly definitions: readonly EventsDefinition[];
  /** Who decodes which stored type. Events of other types leave the state as it is, and are not even parsed. */
  readonly decoders: ReadonlyMap<string, EventsDefinition>;
  /** The state of a thing to which nothing has happened. */
  initial(id: string): State;
  /** The state after an event. Pure: it makes a new state, and gives the same one for the same event. */
  evolve(state: State, event: DomainEvent): State;
}

/** The state of a view. */
export type StateOf<V extends View> = ReturnType<V['initial']>;

export interface ViewName {
  /** Needed where states outlive the process: in a shared cache, in snapshots. */
  readonly name?: string | undefined;
  /** Raise it when the same events give another state than before, so that cached states are not mixed. Default: 1. */
  readonly version?: number | undefined;
}

export interface ViewOptions<S extends Schemas, State> extends ViewName {
  readonly initial: (id: string) => State;
  /** One function for each event type that matters. Synchronous and pure. It sees type and data, nothing else. */
  readonly evolve: {
    readonly [Type in keyof S & string]?: (
      state: NoInfer<State>,
      event: DomainEvent<Type, OutputOf<S[Type]>>,
    ) => NoInfer<State>;
  };
}

/** The schemas of several definitions, as those of one. */
export type SchemasOf<Definitions extends readonly EventsDefinition[]> =
  Intersection<Definitions[number]['schemas']> extends infer S extends Schemas ? S : never;

export type Intersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never;

/**
 * A state that events give. Many views can be made of one stream, each of the few events that it needs.
 *
 * Of several definitions, the first one says which category's streams are loaded; events of the others count where they
 * stand in such a stream.
 *
 * @throws InvalidOption when `evolve` names a type that is not declared, or that two of the definitions declare.
 */
export function view<S extends Schemas, State>(of: EventsDefinition<S>, options: ViewOptions<S, State>): View<State, S>;
export function view<const Definitions extends readonly EventsDefinition[], State>(
  of: Definitions,
  options: ViewOptions<SchemasOf<Definitions>, State>,
): View<State, SchemasOf<Definitions>>;
export function view<State>(
  of: EventsDefinition | readonly EventsDefinition[],
  options: ViewOptions<Schemas, State>,
): View<State> {
  const definitions = isList(of) ? of : [of];
  const [home] = definitions;
  if (home === undefined) throw new InvalidOption('of', 'there are no events to make a view of');
  const handlers = new Map(Object.entries(options.evolve));
  return {
    ...identityOf(options),
    category: home.category,
    schemas: Object.assign({}, ...definitions.map(({ schemas }) => schemas)) as Schemas, // Nothing else was merged.
    definitions,
    decoders: decodersOf(definitions, [...handlers.keys()]),
    initial: options.initial,
    evolve: (state, event) => {
      const evolve = handlers.get(event.type);
      return evolve === undefined ? state : evolve(state, event);
    },
  };
}

/** Under what the states of a view are cached. */
export function identityOf({ name, version = 1 }: ViewName): Pick<View, 'key' | 'isNamed'> {
  if (name === undefined) return { key: `unnamed ${crypto.randomUUID()}`, isNamed: false };
  if (!/^\w[\w.]*$/.test(name)) throw new InvalidOption('name', 'it may have letters, digits, _ and . only');
  if (!Number.isSafeInteger(version) || version < 1) throw new InvalidOption('version', 'it is no number from 1 on');
  return { key: `${name}@${version}`, isNamed: true };
}

function decodersOf(
  definitions: readonly EventsDefinition[],
  types: readonly string[],
): ReadonlyMap<string, EventsDefinition> {
  const decoders = new Map<string, EventsDefinition>();
  for (const type of types) {
    const [definition, another] = definitions.filter(({ schemas }) => Object.hasOwn(schemas, type));
    if (definition === undefined) throw new InvalidOption('evolve', `no event ${type} is declared`);
    if (another !== undefined) throw new InvalidOption('evolve', `${type} is declared twice`);
    decoders.set(type, definition);
    for (const [old, today] of Object.entries(definition.options.renamed ?? {})) {
      if (today === type) decoders.set(old, definition);
    }
  }
  return decoders;
}

function isList<Each>(value: Each | readonly Each[]): value is readonly Each[] {
  return Array.isArray(value);
}
