/**
 * What zod, valibot, arktype and others call Standard Schema, version 1, as far as it is used here: see
 * https://standardschema.dev. `Input` is what is stored, `Output` what the schema makes of it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says about a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that a schema finds wrong. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema takes: the JSON that is stored, or the input of a command. */
export type InputOf<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['input'];

/** What a schema gives. */
export type OutputOf<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output'];

/**
 * A schema that takes any JSON and calls it `Data`: for events whose shape is a matter of trust.
 *
 *     events('Cart', { ItemAdded: trusted<{ sku: string }>() })
 */
export function trusted<Data>(): StandardSchema<Data> {
  return {
    '~standard': { version: 1, vendor: 'daybook', validate: (value) => ({ value: value as Data }) }, // Trust is the point.
  };
}

/** Asks a schema. The answer of most schemas is there at once. */
export function validate<Schema extends StandardSchema>(
  schema: Schema,
  value: unknown,
): SchemaResult<OutputOf<Schema>> | Promise<SchemaResult<OutputOf<Schema>>> {
  return schema['~standard'].validate(value);
}

/** Issues as text: `customer.email: Invalid email; total: Required`. */
export function issuesText(issues: readonly SchemaIssue[]): string {
  return issues
    .map(({ message, path = [] }) => {
      const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
      return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
    })
    .join('; ');
}

/** Whether something has to be waited for. */
export function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
