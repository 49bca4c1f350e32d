import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { View } from 'daybook/decider';

import { Failure, usage } from '../failure.ts';

/** A view, and the name under which its module exports it. */
export interface ImportedView {
  readonly name: string;
  readonly view: View;
}

/**
 * The view that `order.ts#shipmentStatus` names. A module with one view needs no name.
 *
 * @throws Failure when there is no such module, or no such view in it.
 */
export async function importView(text: string): Promise<ImportedView> {
  const [, path = '', name] = /^(.*?)(?:#([^#]*))?$/s.exec(text) ?? [];
  const found = viewsIn(await importModule(path));
  const names = found.map((each) => each.name).join(', ');
  if (name !== undefined) {
    const named = found.find((each) => each.name === name);
    if (named !== undefined) return named;
    throw usage(`--view ${text}: ${path} exports no view ${name}. It exports ${names === '' ? 'no view' : names}.`);
  }
  const [only, ...others] = found;
  if (only === undefined) throw usage(`--view ${text}: it exports no view. view() of daybook/decider makes one.`);
  if (others.length > 0) throw usage(`--view ${text}: which one? It exports ${names}. Give ${path}#${only.name}.`);
  return only;
}

async function importModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>; // Whatever it exports.
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('module-failed', 1, `--view ${path} cannot be loaded: ${message}`, { cause });
  }
}

function viewsIn(exports: Readonly<Record<string, unknown>>): readonly ImportedView[] {
  return Object.entries(exports).flatMap(([name, value]) => (isView(value) ? [{ name, view: value }] : []));
}

/** Views are known by what they have: the module may come with its own copy of the library. */
function isView(value: unknown): value is View {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Partial<Record<keyof View, unknown>> = value;
  return (
    typeof fields.category === 'string' &&
    typeof fields.initial === 'function' &&
    typeof fields.evolve === 'function' &&
    fields.decoders instanceof Map
  );
}
