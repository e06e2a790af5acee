import { readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { pageFiles, ROOT } from '../../scripts/docs/pages.ts';

export interface Heading {
  level: number;
  /** Without the marks of code. */
  title: string;
  /** The anchor that GitHub makes of it. */
  slug: string;
  line: number;
}

/** A page, taken apart. */
export interface Page {
  /** From the root of the project: `docs/cli.md`. */
  name: string;
  file: string;
  text: string;
  headings: Heading[];
  /** The text below a heading, subheadings included. Throws Error unless there is exactly one with that title. */
  section(title: string): string;
  /** The contents of the fenced blocks of a language. */
  blocks(language: string): string[];
}

/** The README and every page of docs/. */
export function readPages(): Page[] {
  return pageFiles().map(readPage);
}

/** Pages beside them that they link to. */
export function readOtherPages(): Page[] {
  return ['CONTRIBUTING.md', 'deploy/README.md'].map((name) => readPage(join(ROOT, name)));
}

/** One page by its name without folder and ending: `cli`. */
export function pageOf(pages: readonly Page[], name: string): Page {
  const page = pages.find(({ file }) => basename(file, '.md') === name);
  if (page === undefined) throw new Error(`There is no page ${name}.md`);
  return page;
}

function readPage(file: string): Page {
  const text = readFileSync(file, 'utf8');
  const name = relative(ROOT, file);
  const lines = text.split('\n');
  const headings = headingsOf(lines);
  return {
    name,
    file,
    text,
    headings,
    section(title) {
      const found = headings.filter((heading) => heading.title === title);
      const [heading] = found;
      if (heading === undefined || found.length > 1) {
        throw new Error(`${name} has ${found.length} headings "${title}"`);
      }
      const next = headings.find(({ line, level }) => line > heading.line && level <= heading.level);
      return lines.slice(heading.line + 1, next?.line).join('\n');
    },
    blocks: (language) =>
      [...text.matchAll(new RegExp(`^ *\`\`\`${language}\\n(.*?)^ *\`\`\`$`, 'gms'))].map(
        ([, body = '']) => body,
      ),
  };
}

function headingsOf(lines: readonly string[]): Heading[] {
  let fenced = false;
  const counts = new Map<string, number>();
  return lines.flatMap((text, line) => {
    if (text.startsWith('```')) fenced = !fenced;
    const [, marks, title] = /^(#+) (.+)$/.exec(text) ?? [];
    if (fenced || marks === undefined || title === undefined) return [];
    const slug = slugOf(title);
    const repeats = counts.get(slug) ?? 0;
    counts.set(slug, repeats + 1);
    return [
      {
        level: marks.length,
        title: title.replaceAll('`', ''),
        slug: repeats === 0 ? slug : `${slug}-${repeats}`,
        line,
      },
    ];
  });
}

/** As GitHub does it: lower case, no punctuation but hyphens and underscores, hyphens for spaces. */
function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** A link of a page to another place of the project. */
export interface LocalLink {
  from: string;
  /** The file that it leads to, as an absolute path. */
  file: string;
  anchor: string | undefined;
}

/** The links of a page that stay within the project. */
export function localLinks(page: Page): LocalLink[] {
  return [...page.text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !target.startsWith('https://'))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      return { from: page.name, file: path === '' ? page.file : join(page.file, '..', path), anchor };
    });
}

/** The rows of the first table in a text, without its head, as they are written. */
export function tableIn(text: string): string[][] {
  const lines = text.split('\n');
  const from = lines.findIndex((line) => line.startsWith('|'));
  const to = lines.findIndex((line, index) => index > from && !line.startsWith('|'));
  return lines.slice(from + 2, to === -1 ? undefined : to).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The pieces of code in a text, without their marks. */
export function codeIn(cell: string | undefined): string[] {
  return [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

/** Whether a text holds a word such as a command or a flag, and not only as the beginning of a longer one. */
export function hasWord(text: string, word: string): boolean {
  return new RegExp(`(?<![\\w-])${word}(?![\\w-])`).test(text);
}
