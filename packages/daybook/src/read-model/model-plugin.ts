import {
  ColumnDefinitionNode,
  ColumnNode,
  ColumnUpdateNode,
  CreateTableNode,
  DataTypeNode,
  InsertQueryNode,
  TableNode,
  UpdateQueryNode,
  ValueNode,
  type KyselyPlugin,
  type OperationNode,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type QueryResult,
  type RootOperationNode,
  type UnknownRow,
} from 'kysely';

import { UnsupportedStatement } from './errors.ts';
import { live, positionColumn, type Naming } from './naming.ts';
import type { ReadModel } from './read-model.ts';
import { TableRenamer } from './table-renamer.ts';

/**
 * Stands between a read model's code and the database: leads each statement to the copy of the tables that is meant,
 * and writes into `_position` where in the log the event stands.
 */
export class ModelPlugin implements KyselyPlugin {
  readonly #model: ReadModel;
  #renamer: TableRenamer | undefined;
  #position: bigint = 0n;
  /** Shared by those for the events of one batch. */
  #counts = { removals: 0 };

  constructor(model: ReadModel, naming: Naming) {
    this.#model = model;
    this.#renamer = naming.suffix === '' ? undefined : new TableRenamer(model, naming);
  }

  /** For migrations: looks at every part of a statement even when the names stay. */
  static forMigration(model: ReadModel, naming: Naming): ModelPlugin {
    const plugin = new ModelPlugin(model, naming);
    return naming === live ? new CheckingPlugin(model, naming) : plugin;
  }

  /** One for the event at this position, whose statements may come between those of another event. */
  another(position: bigint): ModelPlugin {
    const other = new ModelPlugin(this.#model, live);
    other.#renamer = this.#renamer; // To make one takes longer than to use it.
    other.#position = position;
    other.#counts = this.#counts;
    return other;
  }

  /** From now on statements belong to the event at this position. */
  at(position: bigint): void {
    this.#position = position;
  }

  /** How many statements so far may have changed rows without leaving their position: deletions and SQL as text. */
  get removals(): number {
    return this.#counts.removals;
  }

  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    const placed = this.#withPosition(node);
    return this.#renamer === undefined ? placed : this.#renamer.renamed(placed, queryId);
  }

  transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return Promise.resolve(result);
  }

  #withPosition(node: RootOperationNode): RootOperationNode {
    if (InsertQueryNode.is(node)) return this.#owns(node.into) ? this.#inserted(node) : node;
    if (UpdateQueryNode.is(node)) return this.#owns(node.table) ? this.#updated(node) : node;
    if (CreateTableNode.is(node)) return this.#created(node);
    if (node.kind === 'MergeQueryNode') {
      throw new UnsupportedStatement(this.#model.name, 'use an insert with onConflict in place of a merge');
    }
    if (node.kind === 'DeleteQueryNode' || node.kind === 'RawNode') this.#counts.removals += 1;
    return node;
  }

  #owns(node: OperationNode | undefined): boolean {
    const table = node?.kind === 'AliasNode' ? (node as OperationNode & { node: OperationNode }).node : node;
    return table !== undefined && TableNode.is(table) && Object.hasOwn(this.#model.tables, table.table.identifier.name);
  }

  #inserted(node: InsertQueryNode): InsertQueryNode {
    const { columns = [], values, onConflict, onDuplicateKey } = node;
    if (columns.some(({ column }) => column.name === positionColumn)) return node;
    if (values?.kind !== 'ValuesNode' || columns.length === 0) {
      throw new UnsupportedStatement(this.#model.name, 'an insert names its columns and gives values, not a query');
    }
    return {
      ...node,
      columns: [...columns, ColumnNode.create(positionColumn)],
      values: this.#withValue(values),
      ...(onConflict?.updates && { onConflict: { ...onConflict, updates: [...onConflict.updates, this.#update()] } }),
      ...(onDuplicateKey?.updates && {
        onDuplicateKey: { ...onDuplicateKey, updates: [...onDuplicateKey.updates, this.#update()] },
      }),
    };
  }

  #withValue(node: OperationNode): OperationNode {
    const { values } = node as OperationNode & { readonly values: readonly OperationNode[] }; // Its kind was looked at.
    const lists = values.map((list) => {
      const { values: items } = list as OperationNode & { readonly values: readonly unknown[] };
      const last = list.kind === 'ValueListNode' ? ValueNode.create(this.#position) : this.#position;
      return { ...list, values: [...items, last] };
    });
    return { ...node, values: lists } as OperationNode;
  }

  #updated(node: UpdateQueryNode): UpdateQueryNode {
    return { ...node, updates: [...(node.updates ?? []), this.#update()] };
  }

  #update(): ColumnUpdateNode {
    return ColumnUpdateNode.create(ColumnNode.create(positionColumn), ValueNode.create(this.#position));
  }

  #created(node: CreateTableNode): CreateTableNode {
    const table = node.table.table.identifier.name;
    if (!Object.hasOwn(this.#model.tables, table)) {
      throw new UnsupportedStatement(this.#model.name, `migrate makes the table ${table}, which tables does not list`);
    }
    if (node.columns.some(({ column }) => column.column.name === positionColumn)) return node;
    const column = ColumnDefinitionNode.create(positionColumn, DataTypeNode.create('bigint'));
    return { ...node, columns: [...node.columns, column] };
  }
}

/** Looks through statements as the copies would, so that what would fail there fails at once. */
class CheckingPlugin extends ModelPlugin {
  readonly #checker: TableRenamer;

  constructor(model: ReadModel, naming: Naming) {
    super(model, naming);
    this.#checker = new TableRenamer(model, naming);
  }

  override transformQuery(args: PluginTransformQueryArgs): RootOperationNode {
    return this.#checker.transformNode(super.transformQuery(args), args.queryId);
  }
}
