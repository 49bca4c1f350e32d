/** What the command `daybook model …` is about in this drill. */
import { openDatabase } from './databases.ts';
import { shipments } from './shipments.ts';

export const readModels = [{ model: shipments, db: () => openDatabase(process.env['DRILL_DATABASE'] ?? 'shop.db') }];
