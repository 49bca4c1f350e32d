import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

import { SettingRefused } from './errors.ts';

/** What SQLite is told, and must then say of itself, by the names of its pragmas. */
export type Settings = Readonly<Record<string, string | number>>;

const everySetting: Settings = { mmap_size: 0, trusted_schema: 0, cell_size_check: 1 };

/** A connection and its prepared statements. What every file of this room is asked by; its SQL is in connection.ts and index-connection.ts. */
export class Connection implements Disposable {
  readonly database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #settings: Settings;

  constructor(path: string, options: { readonly busyTimeoutMs: number; readonly readOnly?: boolean }) {
    const { busyTimeoutMs, readOnly = false } = options;
    this.database = new DatabaseSync(path, { timeout: busyTimeoutMs, readOnly });
    this.#settings = { busy_timeout: busyTimeoutMs, ...everySetting };
    for (const [name, value] of Object.entries(everySetting)) this.database.exec(`PRAGMA ${name} = ${value}`);
  }

  /** What SQLite says of everything that was set. */
  settings(): Settings {
    return Object.fromEntries(Object.keys(this.#settings).map((name) => [name, this.#setting(name)]));
  }

  /** @throws SettingRefused when SQLite does not say of itself what it was told, now or when it was opened. */
  protected set(settings: Settings): void {
    this.#settings = { ...this.#settings, ...settings };
    for (const [name, value] of Object.entries(settings)) this.database.exec(`PRAGMA ${name} = ${value}`);
    for (const [name, value] of Object.entries(this.#settings)) {
      const found = this.#setting(name);
      if (found !== value) throw new SettingRefused(this.database.location() ?? '', { name, value, found });
    }
  }

  #setting(name: string): string | number {
    // A name or a number. SQLite says nothing of memory maps where it was built without them: that is none.
    return (this.one(`PRAGMA ${name}`)?.[0] ?? 0) as string | number;
  }

  /** Changes when another connection has committed. */
  dataVersion(): number {
    return this.one('PRAGMA data_version')?.[0] as number; // SQLite gives one row with one number.
  }

  begin(): void {
    this.run('BEGIN IMMEDIATE');
  }

  commit(): void {
    this.run('COMMIT');
  }

  rollback(): void {
    if (this.database.isTransaction) this.run('ROLLBACK');
  }

  /** Moves what is in the write-ahead log into the file, as far as nobody is in the way. */
  checkpoint(): void {
    this.one('PRAGMA main.wal_checkpoint(PASSIVE)');
  }

  /** Does `work` while no other connection to this file can write, nor do the same. */
  alone<Result>(work: () => Result): Result {
    this.begin();
    try {
      return work();
    } finally {
      this.rollback();
    }
  }

  quickCheck(): readonly string[] {
    return this.all('PRAGMA main.quick_check(10)').map(([text]) => String(text));
  }

  [Symbol.dispose](): void {
    if (this.database.isOpen) this.database.close();
  }

  protected run(sql: string, ...values: readonly SQLInputValue[]): void {
    this.#prepare(sql).run(...values);
  }

  protected one(sql: string, ...values: readonly SQLInputValue[]): readonly unknown[] | undefined {
    return this.#prepare(sql).get(...values) as unknown as readonly unknown[] | undefined; // Rows are arrays.
  }

  protected all(sql: string, ...values: readonly SQLInputValue[]): readonly (readonly unknown[])[] {
    return this.#prepare(sql).all(...values) as unknown as readonly (readonly unknown[])[]; // Rows are arrays.
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.database.prepare(sql);
    statement.setReturnArrays(true);
    this.#statements.set(sql, statement);
    return statement;
  }
}
