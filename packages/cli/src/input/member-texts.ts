/**
 * The members of a JSON object as the text that stands in it, byte for byte: `1.0` stays `1.0`. `json` must be a valid
 * object. Of members with the same name the last one counts, as for a parser.
 */
export function memberTexts(json: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let at = afterSpace(json, json.indexOf('{') + 1);
  while (json[at] === '"') {
    const nameEnd = stringEnd(json, at);
    const name = String(JSON.parse(json.slice(at, nameEnd)));
    const start = afterSpace(json, json.indexOf(':', nameEnd) + 1);
    const end = valueEnd(json, start);
    members.set(name, json.slice(start, end));
    at = afterSpace(json, end);
    if (json[at] === ',') at = afterSpace(json, at + 1);
  }
  return members;
}

function afterSpace(json: string, from: number): number {
  let at = from;
  while (at < json.length && ' \t\n\r'.includes(json[at] ?? '')) at++;
  return at;
}

/** Behind the closing quote of the string that begins at `from`. */
function stringEnd(json: string, from: number): number {
  let at = from + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

function valueEnd(json: string, from: number): number {
  if (json[from] === '"') return stringEnd(json, from);
  let depth = 0;
  let at = from;
  for (; at < json.length; at++) {
    const character = json[at] ?? '';
    if (character === '"') at = stringEnd(json, at) - 1;
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') {
      depth--;
      if (depth < 0) return at;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && ' \t\n\r,'.includes(character)) return at;
  }
  return at;
}
