/**
 * For tests of read models: what their tables become, and whether they depend on nothing but the events.
 *
 * @module
 */
export { gameday, type FoundEvent, type GamedayFinding, type GamedayOptions, type GamedayScenario } from './gameday.ts';
export { givenTable, type GivenTable, type GivenTableOptions } from './given-table.ts';
export type { AppendedEvent, GivenEvent } from './sample.ts';
export type { TableRow, TestDatabase } from './table-rows.ts';
