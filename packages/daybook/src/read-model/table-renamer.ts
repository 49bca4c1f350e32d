import {
  OperationNodeTransformer,
  InsertQueryNode,
  type CreateIndexNode,
  type IdentifierNode,
  type OnConflictNode,
  type PrimaryKeyConstraintNode,
  type QueryId,
  type RawNode,
  type RootOperationNode,
  type SchemableIdentifierNode,
  type UniqueConstraintNode,
  type ValuesNode,
} from 'kysely';

import { UnsupportedStatement } from './errors.ts';
import type { Naming } from './naming.ts';
import type { ReadModel } from './read-model.ts';

/** Leads a statement to another copy of a read model's tables: every name of a table or an index gets the suffix. */
export class TableRenamer extends OperationNodeTransformer {
  readonly #model: ReadModel;
  readonly #suffix: string;
  readonly #names: RegExp;

  constructor(model: ReadModel, naming: Naming) {
    super();
    this.#model = model;
    this.#suffix = naming.suffix;
    this.#names = new RegExp(`(?<![\\w.$])(?:${Object.keys(model.tables).join('|')})(?![\\w(])`, 'i');
  }

  /** The same for a statement as a whole. */
  renamed(node: RootOperationNode, queryId: QueryId): RootOperationNode {
    // Most are plain inserts, and of those only one name changes: nothing below it need be copied.
    if (!isPlainInsert(node) || node.into === undefined) return this.transformNode(node, queryId);
    return { ...node, into: this.transformNode(node.into, queryId) };
  }

  protected override transformSchemableIdentifier(
    node: SchemableIdentifierNode,
    queryId: QueryId,
  ): SchemableIdentifierNode {
    const same = super.transformSchemableIdentifier(node, queryId);
    if (!Object.hasOwn(this.#model.tables, node.identifier.name)) return same;
    return { ...same, identifier: this.#renamed(node.identifier) };
  }

  protected override transformCreateIndex(node: CreateIndexNode, queryId: QueryId): CreateIndexNode {
    return { ...super.transformCreateIndex(node, queryId), name: this.#renamed(node.name) };
  }

  protected override transformPrimaryKeyConstraint(
    node: PrimaryKeyConstraintNode,
    queryId: QueryId,
  ): PrimaryKeyConstraintNode {
    const same = super.transformPrimaryKeyConstraint(node, queryId);
    return node.name === undefined ? same : { ...same, name: this.#renamed(node.name) };
  }

  protected override transformUniqueConstraint(node: UniqueConstraintNode, queryId: QueryId): UniqueConstraintNode {
    const same = super.transformUniqueConstraint(node, queryId);
    return node.name === undefined ? same : { ...same, name: this.#renamed(node.name) };
  }

  protected override transformOnConflict(node: OnConflictNode, queryId: QueryId): OnConflictNode {
    if (node.constraint !== undefined) {
      throw new UnsupportedStatement(
        this.#model.name,
        `onConflict names the constraint ${node.constraint.name}, which has another name in a rebuilt table: name its columns`,
      );
    }
    return super.transformOnConflict(node, queryId);
  }

  protected override transformRaw(node: RawNode, queryId: QueryId): RawNode {
    const text = node.sqlFragments.find((fragment) => this.#names.test(fragment));
    if (text !== undefined) {
      throw new UnsupportedStatement(
        this.#model.name,
        `SQL as text names a table of the model (${text.trim().slice(0, 60)}): write sql.table('…') instead`,
      );
    }
    return super.transformRaw(node, queryId);
  }

  #renamed(node: IdentifierNode): IdentifierNode {
    return { ...node, name: node.name + this.#suffix };
  }
}

/** An insert of values into a table, and nothing besides. */
function isPlainInsert(node: RootOperationNode): node is InsertQueryNode {
  if (!InsertQueryNode.is(node) || node.values?.kind !== 'ValuesNode') return false;
  const parts = Object.entries(node).filter(([, part]) => part !== undefined);
  if (!parts.every(([name]) => plainParts.has(name))) return false;
  const { values } = node.values as ValuesNode; // Its kind was looked at.
  return values.every(({ kind }) => kind === 'PrimitiveValueListNode');
}

const plainParts: ReadonlySet<string> = new Set(['kind', 'into', 'columns', 'values']);
