import { usage } from '../failure.ts';

/** How much of the text around a mistake is shown. */
const shownCharacters = 20;

/**
 * JSON text, parsed. `what` names it for the error: `--data`, `line 12 of orders.ndjson`.
 *
 * @throws Failure that says where the text stops being JSON.
 */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const at = placeOf(cause, text);
    if (text.trim() === '') throw usage(`${what} is not JSON: it is empty.`, { cause });
    const before = text.slice(0, at);
    const line = before.split('\n').length;
    const column = at - before.lastIndexOf('\n');
    const where = text.includes('\n') ? `line ${line}, column ${column}` : `column ${column}`;
    const found =
      at >= text.length
        ? 'it ends too early'
        : `unexpected ${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))}, after ${shown(before)}`;
    throw usage(`${what} is not JSON, at ${where}: ${found}.`, { cause });
  }
}

/** Where the engine found the mistake. It says so in the message, and not when the text ends too early. */
function placeOf(error: unknown, text: string): number {
  const message = error instanceof Error ? error.message : '';
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return Number(position);
  const token = /Unexpected token '(.+?)'/u.exec(message)?.[1];
  return token !== undefined && !message.includes('end of JSON') ? Math.max(0, text.indexOf(token)) : text.length;
}

function shown(before: string): string {
  if (before.trim() === '') return 'the beginning';
  return JSON.stringify(before.length > shownCharacters ? `…${before.slice(-shownCharacters)}` : before);
}
