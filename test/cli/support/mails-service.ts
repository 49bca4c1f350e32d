import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { newFolder } from './folder.ts';
import { importGolden } from './golden-file.ts';

const library = fileURLToPath(new URL('../../../packages/daybook/src/read-model/index.ts', import.meta.url));
const kysely = import.meta.resolve('kysely');

/** A service with one read model, as its people would write it. */
export const mailsConfig: string = `
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from '${kysely}';
import { nodeSqliteDialect, readModel } from '${library}';

const mails = readModel('mails', {
  from: ['$ce-CustomerOrder'],
  tables: { mails: { key: ['stream'] } },
  migrate: async (db) => {
    await db.schema.createTable('mails')
      .addColumn('stream', 'varchar(100)', (column) => column.primaryKey())
      .addColumn('subject', 'varchar(200)').execute();
  },
  on: {
    ShipmentEmailSent: (event, tx) =>
      tx.insertInto('mails').values({ stream: event.stream, subject: event.data.subject }).execute(),
  },
});

export const readModels = [
  { model: mails, db: () => new Kysely({ dialect: nodeSqliteDialect(new DatabaseSync('mails.db')) }) },
];
`;

/** A folder with the golden sample in a store, and a module that names a read model of its mails. */
export async function mailsService(): Promise<ReturnType<typeof newFolder>> {
  const folder = newFolder();
  writeFileSync(folder.file('daybook.config.mjs'), mailsConfig);
  await importGolden(folder);
  return folder;
}

export const configured: readonly string[] = ['--config', 'daybook.config.mjs'];
export const confirmed: readonly string[] = [...configured, '--yes', '--who', 'ann', '--why', 'a test'];
