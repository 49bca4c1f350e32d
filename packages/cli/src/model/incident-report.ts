import type { Drift, ReadModelLook, RepairReport, RepairWay } from 'daybook/read-model';

import { columnsText, keyText, placeText } from '../commands/print-drift.ts';
import { counted } from '../output/counted.ts';
import { grouped } from '../output/progress.ts';
import { visibleText } from '../output/visible-text.ts';

interface Reason {
  readonly who: string;
  readonly why: string;
}

/** Rows that the report lists. All are counted. */
const listedRows = 50;

/** What stands in the report while the repair goes on, or when it was cut off. */
export function incidentBegun(before: ReadModelLook, { who, why }: Reason, now: Date): string {
  return `# ${before.model}: a repair\n\n${said(who)} began to repair it at ${now.toISOString()}: ${said(why)}. It has not ended: give the command again.\n`;
}

/** The whole story as Markdown: what was noticed, since when, what was done, by whom and why, and what proves it. */
export function incidentReport(
  before: ReadModelLook,
  report: RepairReport,
  { who, why, endedAt }: Reason & { readonly endedAt: Date },
): string {
  const parts = [
    `# ${report.model}: a repair`,
    `By ${said(who)}: ${said(why)}. Ended at ${endedAt.toISOString()} after ${seconds(report.tookMs)}.`,
    '## What was noticed',
    list(noticed(before, report)),
    '## Since when',
    list(sinceWhen(before, report)),
    ...tableOf(report.drift),
    '## What was done',
    list(done(report)),
    '## What proves it',
    proofText(report),
  ];
  return `${parts.join('\n\n')}\n`;
}

function noticed({ position, lagEvents, lagMs, status, needsRebuild }: ReadModelLook, report: RepairReport): string[] {
  const behind =
    lagEvents === 0
      ? 'and nothing was missing'
      : `${counted(lagEvents, 'event')} behind, the oldest for ${days(lagMs)}`;
  const word = status === undefined ? undefined : `Its last word was ${status.state}, since ${status.since}`;
  const error = status?.error === undefined ? '' : `: ${said(status.error)}`;
  return [
    `It was at position ${position ?? 'none'}, ${behind}.`,
    ...(word === undefined ? [] : [`${word}${error}.`]),
    ...(needsRebuild ? ['Its tables were built by other code.'] : []),
    `${counted(report.rows, 'row')} differed from the log${classesOf(report.drift)}.`,
  ];
}

function classesOf(drift: readonly Drift[]): string {
  const classes = Map.groupBy(drift, (each) => each.class);
  const counts = [...classes].map(([name, rows]) => `${grouped(rows.length)} ${name}`);
  return counts.length === 0 ? '' : `: ${counts.join(', ')}`;
}

function sinceWhen({ verifiedAt, verifiedPosition }: ReadModelLook, { from, events, drift }: RepairReport): string[] {
  const first = drift.flatMap(({ since }) => since ?? []).toSorted((a, b) => (a.position < b.position ? -1 : 1))[0];
  const agreed =
    verifiedAt === undefined
      ? 'Nobody had compared the tables with the log before.'
      : `Tables and log agreed last up to position ${verifiedPosition}, as compared at ${verifiedAt.toISOString()}.`;
  return [
    agreed,
    ...(events === 0 ? [] : [`The last event in the tables was the one at position ${from ?? 'none'}.`]),
    ...(first === undefined
      ? []
      : [
          `Rows differed since ${said(placeText(first) ?? '')} (position ${first.position}) of ${first.created.toISOString()}.`,
        ]),
  ];
}

function tableOf(drift: readonly Drift[]): readonly string[] {
  if (drift.length === 0) return [];
  const rows = drift
    .slice(0, listedRows)
    .map((each) =>
      [each.table, keyText(each), each.class, columnsText(each), placeText(each.since) ?? '-'].map(said).join(' | '),
    );
  const more = drift.length > listedRows ? [`And ${counted(drift.length - listedRows, 'row')} more.`] : [];
  return [['table | key | class | columns | since', '--- | --- | --- | --- | ---', ...rows].join('\n'), ...more];
}

const ways: Readonly<Record<RepairWay, string>> = {
  none: 'Nothing had to be done.',
  project: 'What was missing at the end was projected.',
  'in-place': 'The rows that differed were replaced in one transaction.',
  rebuild: 'The tables were built anew beside the old ones, and put in their place in one transaction.',
};

function done({ way, from, to, events, rows, projectingMs, fenced, paused }: RepairReport): string[] {
  return [
    ways[way],
    `${counted(events, 'event')} projected, ${counted(rows, 'row')} put right: from position ${from ?? 'none'} to ${to}.`,
    ...(projectingMs > 0 && events > 0 ? [`What was missing was in the tables after ${seconds(projectingMs)}.`] : []),
    ...(fenced === undefined ? [] : [`${said(fenced)} was shut out meanwhile.`]),
    ...(paused === undefined
      ? []
      : [`It is paused by ${said(paused.who)} until ${paused.until.toISOString()}: ${said(paused.why)}.`]),
  ];
}

function proofText({ proof: { basis, position, rows, differing } }: RepairReport): string {
  const how =
    basis === 'compared'
      ? 'Afterwards every row was compared with what the log makes'
      : 'Before the new tables were shown, they were compared with a second fold of the log';
  return `${how}: ${counted(rows, 'row')} up to position ${position}, ${grouped(differing)} differ.`;
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}

/** Text from elsewhere, on one line, and without what Markdown would take for its own. */
function said(text: string): string {
  return visibleText(text).replaceAll(/[\\`*_|<>[\]]/g, String.raw`\$&`);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

const dayMs = 86_400_000;

function days(ms: number): string {
  return ms < dayMs ? seconds(ms) : `${(ms / dayMs).toFixed(1)} days`;
}
