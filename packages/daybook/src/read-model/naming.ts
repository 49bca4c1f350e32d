import type { ReadModel } from './read-model.ts';

/**
 * Which copy of a read model's tables is meant. The live one has the names that the model says; a copy beside it, such
 * as one that is being built, has a suffix in every name, and a checkpoint of its own.
 */
export interface Naming {
  readonly suffix: string;
}

/** The tables that people query. */
export const live: Naming = { suffix: '' };

/** The column that says where in the log the event stands that wrote a row last. */
export const positionColumn = '_position';

/** The name under which the checkpoint of this copy is kept. */
export function checkpointName(model: ReadModel, naming: Naming): string {
  return model.name + naming.suffix;
}

/** The name that a table has in this copy. */
export function tableName(table: string, naming: Naming): string {
  return table + naming.suffix;
}
