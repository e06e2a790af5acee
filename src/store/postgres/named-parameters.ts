/**
 * All that names are not looked for in (strings, quoted names, comments, casts), and the marks of parameters. A
 * mark never follows a word or a closing bracket, as the colon of `list[1:last]` does; `@` and `?` are also
 * parts of operators.
 */
const TOKENS = new RegExp(
  [
    /(?<![\w$])[eE](?<escaped>')/,
    /'(?:''|[^'])*'?/,
    /"(?:""|[^"])*"?/,
    /--[^\n]*/,
    /(?<block>\/\*)/,
    /(?<![\w$])(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)/,
    /::/,
    /(?<![\w$:)\]"'])[:$](?<name>[A-Za-z_]\w*)/,
    /(?<![\w$:)\]"'<@|#&~?!`-])@(?<at>[A-Za-z_]\w*)/,
    /(?<![\w$])\$(?<nth>\d+)/,
    /(?<![\w$)\]"'<@|#&~?!`-])\?(?<number>\d+)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

/** A statement as PostgreSQL takes it. */
export interface Numbered {
  /** With $1, $2 ... for the parameters. */
  text: string;
  /** Their names without a mark (`:since` is `since`, `?1` is `1`), in order of first use. */
  names: string[];
}

/**
 * Numbers the parameters of a statement, which are written as in SQLite: `:name`, `@name`, `$name`, `?1`.
 * `typeOf` gives the type that a parameter is cast to; null leaves it to PostgreSQL.
 */
export function numberParameters(
  sql: string,
  typeOf: (name: string) => string | null = () => null,
): Numbered {
  const names: string[] = [];
  let text = '';
  let done = 0;
  TOKENS.lastIndex = 0;
  for (let found = TOKENS.exec(sql); found !== null; found = TOKENS.exec(sql)) {
    const { escaped, block, dollar, name, at, nth, number } = found.groups ?? {};
    const parameter = name ?? at ?? nth ?? number;
    if (parameter !== undefined) {
      if (!names.includes(parameter)) names.push(parameter);
      const type = typeOf(parameter);
      const cast = type === null ? '' : `::${type}`;
      text += `${sql.slice(done, found.index)}$${names.indexOf(parameter) + 1}${cast}`;
      done = TOKENS.lastIndex;
    } else if (escaped !== undefined) TOKENS.lastIndex = endOfEscaped(sql, TOKENS.lastIndex);
    else if (block !== undefined) TOKENS.lastIndex = endOfComment(sql, found.index);
    else if (dollar !== undefined) TOKENS.lastIndex = endOf(sql, dollar, TOKENS.lastIndex);
  }
  return { text: text + sql.slice(done), names };
}

/** Returns the place of the first character that is neither space nor part of a comment. */
export function startOf(sql: string): number {
  for (let at = 0; ;) {
    const start = at;
    while (/[ \t\n\r\f\v]/.test(sql.charAt(at))) at += 1;
    if (sql.startsWith('--', at)) at = endOf(sql, '\n', at);
    else if (sql.startsWith('/*', at)) at = endOfComment(sql, at);
    if (at === start) return at;
  }
}

function endOf(sql: string, mark: string, from: number): number {
  const at = sql.indexOf(mark, from);
  return at < 0 ? sql.length : at + mark.length;
}

/** Of a string like E'...', in which a backslash takes the next character with it. */
function endOfEscaped(sql: string, from: number): number {
  for (let at = from; at < sql.length; at += 1) {
    if (sql[at] === '\\') at += 1;
    else if (sql[at] === "'") {
      if (sql[at + 1] !== "'") return at + 1;
      at += 1;
    }
  }
  return sql.length;
}

/** Of a comment: in PostgreSQL they nest. */
function endOfComment(sql: string, from: number): number {
  let depth = 0;
  for (const { 0: mark, index } of sql.slice(from).matchAll(/\/\*|\*\//g)) {
    depth += mark === '/*' ? 1 : -1;
    if (depth === 0) return from + index + 2;
  }
  return sql.length;
}
