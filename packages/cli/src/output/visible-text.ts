/** What moves the cursor, changes colours, or turns the order of text: C0, DEL, C1, line separators, bidi controls. */
// oxlint-disable-next-line no-control-regex -- They are what is looked for.
const unsafe = /[\u0000-\u001F\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/g;

const short: Readonly<Record<string, string>> = { '\t': String.raw`\t`, '\n': String.raw`\n`, '\r': String.raw`\r` };

/**
 * Text from a store as it can be shown on a terminal: what is not visible is written out (`\x1b`, `\u202e`), so that no
 * event can move the cursor or hide what it says.
 */
export function visibleText(text: string): string {
  return text.replaceAll(unsafe, (character) => {
    const code = character.charCodeAt(0);
    const hex = code.toString(16);
    return short[character] ?? (code < 256 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`);
  });
}
