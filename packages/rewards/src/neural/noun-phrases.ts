/**
 * Noun phrases of a prompt, after spaCy's `noun_chunks`: an article, what describes, and the thing, without what hangs
 * on it by a preposition. Works with closed classes of words alone, so that it needs no model; whatever is in none of
 * them describes or names a thing, unless its place says that it is a verb.
 */

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

const DETERMINERS = words(
  'a an the this these those some any each every no another both all several many few two three four five six seven eight nine ten one its his her their my your our whose',
);

/** Stand for a thing by themselves. */
const PRONOUNS = words('it he she they him them i me you we us who which someone something');

/** Prepositions, conjunctions and adverbs, none of which is within a phrase. */
const SEPARATORS = words(
  'of on in at by to from with without into onto over under above below beneath beside besides between behind near next inside outside around against along across through toward towards during after before for as like than past up down off out upon within among amid via atop alongside or but nor so yet while when where because if that then also very too not together nearby away apart back forward sideways there here front',
);

const BE = words('is are was were be been being am');
/** Other verbs that are no part of a phrase wherever they stand. */
const AUXILIARIES = words(
  'has have had does do did can could will would shall should may might must provide provides provided feature features wearing holding carrying enjoying featuring containing showing',
);

/** Before "can", which then is a thing: a phrase's last word, or one of these before it. */
const KINDS_OF_CAN = words('watering soda trash tin spray beer garbage paint');

/** "A black and white cat" is one thing: words of which two may be joined within a phrase. */
const COLOURS = words(
  'red green blue yellow black white brown gray grey gold golden silver pink purple orange beige tan cyan magenta violet turquoise teal maroon navy crimson scarlet ivory bronze copper',
);

/** Verbs of place and action as prompts have them after a thing and before a preposition, in their plain form. */
const VERBS = words(
  'sit stand lie lay rest hang hold lean float fly run walk ride jump nap sleep perch grow shine flow live swim climb look gaze stare smile dance play work wait travel drive dominate contrast glow sparkle blend lead match attach jot',
);
const IRREGULAR = words(
  'sat stood lay lain hung held led kept made flew ran rode grew shone slept swam drove wrote read took put gave told brought met left lit built worn seen shown drawn',
);

/** End as participles do and name things, or describe them. */
const NOUNS_IN_ING = words(
  'ring string king wing building ceiling painting earring flooring clothing evening morning thing railing pudding wedding icing spring swing sling dressing frosting bowling drawing stuffing topping lightning offering engagement setting crossing living dining sapling duckling meeting fishing',
);
const NOUNS_IN_ED = words(
  'bed red sled shed seed weed breed reed feed hundred moped kindred wood-paneled',
);

const isClosed = (word: string): boolean =>
  [DETERMINERS, PRONOUNS, SEPARATORS, BE, AUXILIARIES].some((kind) => kind.has(word)) ||
  word === 'and';

/** Whether a word describes or names a thing. */
function isOpen(tokens: readonly Token[], index: number): boolean {
  const { word } = tokens[index]!;
  if (word !== 'can') return !isClosed(word);
  const following = tokens[index + 1];
  const previous = tokens[index - 1]?.word ?? '';
  if (previous === '' || isClosed(previous)) return DETERMINERS.has(previous);
  return (
    following === undefined ||
    following.afterMark ||
    isClosed(following.word) ||
    KINDS_OF_CAN.has(previous)
  );
}

function isParticiple(word: string): boolean {
  if (word.endsWith('ing')) return word.length > 4 && !NOUNS_IN_ING.has(word);
  if (word.endsWith('ed')) return word.length > 3 && !NOUNS_IN_ED.has(word);
  return IRREGULAR.has(word);
}

function isVerb(word: string): boolean {
  return (
    VERBS.has(word) || (word.endsWith('s') && VERBS.has(word.slice(0, -1))) || isParticiple(word)
  );
}

interface Token {
  readonly text: string;
  /** In lower case. */
  readonly word: string;
  /** Whether a mark that ends a phrase precedes it. */
  readonly afterMark: boolean;
}

function tokensOf(prompt: string): Token[] {
  const tokens: Token[] = [];
  let afterMark = false;
  for (const [text] of prompt.matchAll(/[\p{L}\p{N}]+(?:['’.:-][\p{L}\p{N}]+)*|[^\s]/gu)) {
    const isWord = /[\p{L}\p{N}]/u.test(text);
    if (isWord) tokens.push({ text, word: text.toLowerCase(), afterMark });
    // Quotation marks may stand within a phrase.
    if (isWord) afterMark = false;
    else if (!/["'“”‘’`]/.test(text)) afterMark = true;
  }
  return tokens;
}

/**
 * @returns the phrases in order, as they are written; none for a prompt that names no thing
 */
export function nounPhrases(prompt: string): string[] {
  const tokens = tokensOf(prompt);
  const phrases: string[] = [];
  let index = 0;
  /** What stands directly before the phrase, as far as it says something about it. */
  let before: 'be' | 'other' = 'other';
  let sawDeterminedPhrase = false;

  while (index < tokens.length) {
    const { text, word } = tokens[index]!;
    if (PRONOUNS.has(word)) {
      phrases.push(text);
      index++;
      continue;
    }
    if (!DETERMINERS.has(word) && !isOpen(tokens, index)) {
      before = BE.has(word) ? 'be' : 'other';
      index++;
      continue;
    }
    const start = index;
    while (index < tokens.length && DETERMINERS.has(tokens[index]!.word)) {
      if (index > start && tokens[index]!.afterMark) break;
      index++;
    }
    const opens = index;
    index = endOfRun(tokens, opens);
    const phrase = phraseOf(tokens, { start, opens, end: index, before, sawDeterminedPhrase });
    if (phrase !== undefined) phrases.push(phrase);
    if (opens > start) sawDeterminedPhrase = true;
    before = 'other';
  }
  return phrases;
}

/** Goes over open words, and over "and" between colours. */
function endOfRun(tokens: readonly Token[], opens: number): number {
  let index = opens;
  while (index < tokens.length) {
    const { word, afterMark } = tokens[index]!;
    if (afterMark && index > opens) break;
    if (isOpen(tokens, index)) {
      index++;
      continue;
    }
    const following = tokens[index + 1];
    const joinsColours =
      word === 'and' &&
      index > opens &&
      COLOURS.has(tokens[index - 1]!.word) &&
      following !== undefined &&
      !following.afterMark &&
      COLOURS.has(following.word) &&
      tokens[index + 2] !== undefined &&
      isOpen(tokens, index + 2);
    if (!joinsColours) break;
    index += 2;
  }
  return index;
}

interface Run {
  /** Where the determiners begin, the open words, and where they end. */
  readonly start: number;
  readonly opens: number;
  readonly end: number;
  readonly before: 'be' | 'other';
  /** Something with an article came before, so that bare words may be a verb's. */
  readonly sawDeterminedPhrase: boolean;
}

/** Takes away what is a verb by its place. */
function phraseOf(tokens: readonly Token[], run: Run): string | undefined {
  let { start, end } = run;
  const isDetermined = run.opens > start;
  const following = tokens[end];
  const wordAt = (index: number): string => tokens[index]?.word ?? '';

  // "is sitting", "are black", "is wearing sunglasses".
  if (run.before === 'be' && !isDetermined) {
    if (end - start === 1) return undefined;
    if (isParticiple(wordAt(start))) start++;
  } else if (!isDetermined && run.sawDeterminedPhrase && wordAt(start).endsWith('ing')) {
    // "… and waving signs", "…, chanting slogans".
    if (isParticiple(wordAt(start))) start++;
  }
  const least = isDetermined ? run.opens + 1 : start + 1;
  const hasNext = following !== undefined && !following.afterMark;
  // A thing is not followed by an article, so what stands there is a verb: "bowl mix the batter".
  if (hasNext && DETERMINERS.has(following.word)) {
    if (end > least) end--;
    else if (!isDetermined) return undefined;
  } else if (hasNext && following.word !== 'and' && !BE.has(following.word) && end > least) {
    // "hat hang on", "balloon floated in".
    if (isVerb(wordAt(end - 1))) end--;
  } else if (following === undefined && end > least && isParticiple(wordAt(end - 1))) {
    end--;
  }
  if (!isDetermined && hasNext && end - start === 1 && isVerb(wordAt(start))) return undefined;
  if (end <= Math.max(start, run.opens)) return undefined;
  return tokens
    .slice(start, end)
    .map(({ text }) => text)
    .join(' ');
}
