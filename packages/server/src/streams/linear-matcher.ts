import type { TextMatcher } from 'daybook';
import { RE2JS, RE2JSSyntaxException } from 're2js';

/** An expression longer than this is refused: what it compiles to can be many times as large. */
const sourceCharactersAtMost = 4_096;

/**
 * A regular expression that takes linear time, whatever it is matched against: fit for what comes from outside. It
 * knows no look-around and no back-references.
 *
 * @throws SyntaxError when it is not a regular expression, or too long.
 */
export function linearMatcher(source: string): TextMatcher {
  if (source.length > sourceCharactersAtMost) {
    throw new SyntaxError(
      `An expression has at most ${sourceCharactersAtMost} characters; this one has ${source.length}.`,
    );
  }
  const pattern = compiled(source);
  return { source, test: (text) => pattern.matcher(text).find() };
}

function compiled(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    throw new SyntaxError(`This is not a regular expression that takes linear time: ${error.message}`, {
      cause: error,
    });
  }
}
