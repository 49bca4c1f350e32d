/** Past participles that do not end in `ed`. Those that look like the infinitive are below. */
const irregular: ReadonlySet<string> = new Set(
  (
    'awoken become been begun bent bitten born borne bought bound broken brought built burnt caught chosen come dealt ' +
    'done drawn driven drunk dug eaten fallen fed felt flown forbidden foregone forgiven forgotten forsaken fought ' +
    'found frozen given gone ground grown heard held hidden hung kept known laid learnt led left lent lit lost made ' +
    'meant met mistaken outbid overdrawn overridden overtaken paid proven rebuilt redone remade repaid resent resold ' +
    'rewritten ridden risen rung said sat seen sent sewn shaken shone shot shown slept sold sought sown spent spoken ' +
    'spun stolen stood struck stuck sunk sworn swum swung taken taught thought thrown told torn undergone understood ' +
    'undone unpaid unsold upheld withdrawn withheld won worn woken wound written'
  ).split(' '),
);

/** Past participles that are the infinitive too: in front they are a command (`SetPrice`), behind they are not. */
const ambiguous: ReadonlySet<string> = new Set(
  'bid broadcast burst cast cost cut hit hurt input let output put quit read reset run set shed shut split spread upset'.split(
    ' ',
  ),
);

/** The few past participles in `eed`, where `feed`, `need` and `proceed` are none. */
const inEed: ReadonlySet<string> = new Set(['agreed', 'decreed', 'disagreed', 'freed', 'guaranteed', 'refereed']);

/** Words in `ed` that are no past participles. */
const notPast: ReadonlySet<string> = new Set(['bed', 'embed', 'hundred', 'kindred', 'naked', 'red', 'sacred', 'shred']);

/**
 * Whether an event's name says that something happened: one of its words is a past participle (`OrderShipped`,
 * `item_added_to_cart`, `EmailSent`). In English, and by the look of the words: it advises, it does not judge.
 */
export function isPastTense(eventType: string): boolean {
  const words = wordsOf(eventType);
  return words.some((word, index) => {
    if (irregular.has(word)) return true;
    if (ambiguous.has(word)) return index > 0;
    if (word.endsWith('eed')) return inEed.has(word);
    return word.length > 3 && word.endsWith('ed') && !notPast.has(word);
  });
}

function wordsOf(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z]+/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
}
