import { InvalidOption } from '../store/errors.ts';
import type { EventsDefinition, Schemas } from './events.ts';
import { identityOf, type Intersection, type StateOf, type View, type ViewName } from './view.ts';

type Parts = Readonly<Record<string, View>>;

/** The states of several views, by name. */
export type CombinedState<P extends Parts> = { readonly [Name in keyof P]: StateOf<P[Name]> };

type CombinedSchemas<P extends Parts> = Intersection<P[keyof P]['schemas']> extends infer S extends Schemas ? S : never;

/**
 * One view made of smaller ones, each with its own part of the state: for states with a great many properties. The
 * parts stay usable alone. An event changes only the parts that name it; the others stay the very same objects.
 *
 * @throws InvalidOption when there are no parts, or two of them mean different events by one type.
 */
export function combineViews<const P extends Parts>(
  parts: P,
  options: ViewName = {},
): View<CombinedState<P>, CombinedSchemas<P>> {
  const views = Object.entries(parts);
  const [first] = views;
  if (first === undefined) throw new InvalidOption('parts', 'there are no views to combine');
  return {
    ...combinedIdentity(views, options),
    category: first[1].category,
    schemas: Object.assign({}, ...views.map(([, { schemas }]) => schemas)) as CombinedSchemas<P>, // Nothing else was merged.
    definitions: [...new Set(views.flatMap(([, { definitions }]) => definitions))],
    decoders: combinedDecoders(views),
    initial: (id) => Object.fromEntries(views.map(([name, part]) => [name, part.initial(id)])) as CombinedState<P>, // One of each.
    evolve: (state, event) => {
      const changed = views.flatMap(([name, part]) => {
        const before = state[name];
        const after = part.evolve(before, event);
        return after === before ? [] : [[name, after] as const];
      });
      return changed.length === 0 ? state : { ...state, ...Object.fromEntries(changed) };
    },
  };
}

/** A combination of views that all have names has one too. */
function combinedIdentity(
  views: readonly (readonly [string, View])[],
  options: ViewName,
): Pick<View, 'key' | 'isNamed'> {
  if (options.name !== undefined || views.some(([, { isNamed }]) => !isNamed)) return identityOf(options);
  return { key: views.map(([name, { key }]) => `${name}=${key}`).join('+'), isNamed: true };
}

function combinedDecoders(views: readonly (readonly [string, View])[]): ReadonlyMap<string, EventsDefinition> {
  const decoders = new Map<string, EventsDefinition>();
  for (const [type, definition] of views.flatMap(([, view]) => [...view.decoders])) {
    if ((decoders.get(type) ?? definition) !== definition) {
      throw new InvalidOption('parts', `two of them mean different events by ${type}`);
    }
    decoders.set(type, definition);
  }
  return decoders;
}
