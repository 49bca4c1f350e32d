import type { Drift, HarmonyRound } from 'daybook/read-model';

import { columnsText, keyText, placeText } from '../commands/print-drift.ts';
import { counted } from '../output/counted.ts';
import { jsonText } from '../output/json-text.ts';
import { grouped } from '../output/progress.ts';
import { visibleText } from '../output/visible-text.ts';
import type { Shell } from '../shell.ts';

/**
 * Writes a round of a verification that goes on: a line for people, and one for each row that was not known to differ;
 * else JSON. Gives the rows that are known from now on.
 */
export async function sayRound(
  shell: Shell,
  round: HarmonyRound,
  known: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  if (shell.format !== 'table') {
    const { phase: _, problem, ...facts } = round;
    const said = problem === undefined ? undefined : textOf(problem);
    await shell.terminal.write(`${jsonText({ time: new Date(), ...facts, problem: said })}\n`);
    return known;
  }
  const lines = round.drift.map(driftLine);
  const news = lines.filter((line) => !known.has(line));
  const text = [roundLine(round), ...news.map((line) => `  ${line}`)].join('\n');
  await shell.terminal.write(`${text}\n`);
  return new Set(lines);
}

function roundLine(round: HarmonyRound): string {
  const { rows, verifiedRows, comparedRows, events, differing, position, allVerifiedAt, problem, tookMs } = round;
  const time = new Date().toISOString();
  if (problem !== undefined) return `${time}  not compared: ${visibleText(textOf(problem))}`;
  const all = allVerifiedAt === undefined ? '' : `, all by ${allVerifiedAt.toISOString()}`;
  return [
    `${time}  ${grouped(verifiedRows)}/${grouped(rows)} verified${all}`,
    `${grouped(differing)} differ`,
    `${counted(comparedRows, 'row')} and ${counted(events, 'event')} in ${(tookMs / 1_000).toFixed(1)} s`,
    `position ${position ?? 'none'}`,
  ].join('  ');
}

function driftLine(drift: Drift): string {
  const since = placeText(drift.since);
  const words = [drift.class, drift.table, keyText(drift), columnsText(drift), ...(since ? [`since ${since}`] : [])];
  return visibleText(words.join('  '));
}

function textOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}
