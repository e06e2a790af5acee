/** A text of a task, by the letter of its weight in the index. */
export type Weight = 'A' | 'B' | 'C';

/** A word or a phrase that is searched for. */
export interface Phrase {
  words: readonly { text: string; isPrefix: boolean }[];
  /** The texts that it may be in. */
  weights: ReadonlySet<string>;
}

interface Token {
  from: number;
  until: number;
  text: string;
}

/** A place of a phrase: tokens from `from` on, without `until`. */
interface Hit {
  phrase: number;
  from: number;
  until: number;
}

interface Window {
  score: number;
  text: string;
  tokens: readonly Token[];
  hits: readonly Hit[];
  start: number;
}

/** Words of a snippet. */
const WORDS = 16;
const WORD = /[\p{L}\p{N}][\p{L}\p{N}\u0300-\u036f]*/gu;
const LEXEME = /'((?:[^']|'')*)'(?::([*A-D]+))?/g;

/** Returns text as the index folds it. */
export function folded(text: string): string {
  return text
    .normalize('NFD')
    .replaceAll(/([A-Za-z])[\u0300-\u036f]+/g, '$1')
    .normalize('NFC')
    .toLowerCase();
}

/** Returns the words and phrases of a tsquery, as PostgreSQL writes it. */
export function phrasesOf(tsquery: string): Phrase[] {
  const phrases: { words: Phrase['words'][number][]; weights: ReadonlySet<string> }[] = [];
  let end = -1;
  for (const { 0: all, 1: lexeme = '', 2: flags = '', index } of tsquery.matchAll(LEXEME)) {
    const word = {
      text: lexeme.replaceAll("''", "'").replaceAll('\\\\', '\\'),
      isPrefix: flags.includes('*'),
    };
    const letters = flags.replace('*', '');
    const last = phrases.at(-1);
    if (last !== undefined && tsquery.slice(end, index) === ' <-> ') last.words.push(word);
    else phrases.push({ words: [word], weights: new Set(letters === '' ? 'ABC' : letters) });
    end = index + all.length;
  }
  return phrases;
}

/**
 * Returns the words around the best hits of the texts, as FTS5's snippet() chooses them: those with most of the
 * phrases, preferably from the beginning of a text or of a sentence (sqlite.org/fts5.html).
 */
export function snippetOf(
  texts: readonly { weight: Weight; text: string | null }[],
  phrases: readonly Phrase[],
  [open, close]: readonly [open: string, close: string],
): string {
  let best: Window | undefined;
  for (const { weight, text } of texts) {
    if (text === null) continue;
    const tokens = tokensOf(text);
    const hits = hitsIn(tokens, phrases, weight);
    const sentences = hits.length === 0 ? [] : sentencesIn(text, tokens);
    for (const window of windowsOf(hits, sentences, tokens.length)) {
      if (best === undefined || window.score > best.score) best = { ...window, text, tokens, hits };
    }
    best ??= { score: -1, start: 0, text, tokens, hits };
  }
  return best === undefined ? '' : marked(best, open, close);
}

function tokensOf(text: string): Token[] {
  return Array.from(text.matchAll(WORD), ({ 0: word, index }) => ({
    from: index,
    until: index + word.length,
    text: folded(word),
  }));
}

function hitsIn(tokens: readonly Token[], phrases: readonly Phrase[], weight: Weight): Hit[] {
  const hits: Hit[] = [];
  for (const at of tokens.keys()) {
    for (const [phrase, { words, weights }] of phrases.entries()) {
      const isHere = words.every(({ text, isPrefix }, nth) => {
        const token = tokens[at + nth]?.text;
        return isPrefix ? token?.startsWith(text) === true : token === text;
      });
      if (isHere && weights.has(weight)) hits.push({ phrase, from: at, until: at + words.length });
    }
  }
  return hits;
}

/** Returns the first tokens of the text and of what follows a full stop or a colon. */
function sentencesIn(text: string, tokens: readonly Token[]): number[] {
  return [...tokens.entries()].flatMap(([at, { from }]) =>
    at === 0 || /[.:]\s*$/.test(text.slice(Math.max(0, from - 8), from)) ? [at] : [],
  );
}

/** Yields where a snippet could begin, and how good it would be. */
function* windowsOf(
  hits: readonly Hit[],
  sentences: readonly number[],
  length: number,
): Generator<Pick<Window, 'score' | 'start'>> {
  for (const { from } of hits) {
    const within = hits.filter((hit) => hit.from >= from && hit.from < from + WORDS);
    const last = within.at(-1)?.until ?? from;
    const centred = from - Math.trunc((WORDS - (last - from)) / 2);
    yield { score: scoreOf(within), start: Math.max(0, Math.min(centred, length - WORDS)) };
    const start = sentences.findLast((sentence) => sentence <= from);
    if (length <= WORDS || start === undefined || start === from) continue;
    const bonus = start === 0 ? 120 : 100;
    const seen = hits.filter((hit) => hit.from >= start && hit.from < start + WORDS);
    yield { score: scoreOf(seen) + bonus, start };
  }
}

function scoreOf(hits: readonly Hit[]): number {
  const phrases = new Set(hits.map(({ phrase }) => phrase)).size;
  return phrases * 1_000 + (hits.length - phrases);
}

function marked({ text, tokens, hits, start }: Window, open: string, close: string): string {
  const end = Math.min(start + WORDS, tokens.length);
  const from = start === 0 ? 0 : (tokens[start]?.from ?? 0);
  const until = end === tokens.length ? text.length : (tokens[end - 1]?.until ?? text.length);
  let snippet = start === 0 ? '' : '…';
  let at = from;
  for (const hit of hits) {
    const [first, last] = [tokens[Math.max(hit.from, start)], tokens[Math.min(hit.until, end) - 1]];
    if (first === undefined || last === undefined || hit.until <= start || hit.from >= end) continue;
    // One within another is marked already.
    if (first.from < at) continue;
    snippet += `${text.slice(at, first.from)}${open}${text.slice(first.from, last.until)}${close}`;
    at = last.until;
  }
  return `${snippet}${text.slice(at, until)}${end === tokens.length ? '' : '…'}`;
}
