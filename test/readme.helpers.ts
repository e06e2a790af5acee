import { readFileSync } from 'node:fs';
import { README } from '../scripts/update-readme.ts';

export interface Heading {
  level: number;
  /** Without the marks of code. */
  title: string;
  /** The anchor that GitHub makes of it, less the number that a repeated one gets. */
  slug: string;
  line: number;
}

/** The README, taken apart. */
export interface Readme {
  text: string;
  headings: Heading[];
  /** What stands below a heading, subheadings included. Throws unless there is exactly one of that title. */
  section(title: string): string;
  /** The contents of the fenced blocks of a language. */
  blocks(language: string): string[];
}

export function readReadme(): Readme {
  const text = readFileSync(README, 'utf8');
  const lines = text.split('\n');
  const headings = headingsOf(lines);
  return {
    text,
    headings,
    section(title) {
      const found = headings.filter((heading) => heading.title === title);
      const [heading] = found;
      if (heading === undefined || found.length > 1) {
        throw new Error(`README.md has ${found.length} headings "${title}"`);
      }
      const next = headings.find(({ line, level }) => line > heading.line && level <= heading.level);
      return lines.slice(heading.line + 1, next?.line).join('\n');
    },
    blocks: (language) =>
      [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
        ([, body = '']) => body,
      ),
  };
}

function headingsOf(lines: readonly string[]): Heading[] {
  let fenced = false;
  return lines.flatMap((text, line) => {
    if (text.startsWith('```')) fenced = !fenced;
    const [, marks, title] = /^(#+) (.+)$/.exec(text) ?? [];
    if (fenced || marks === undefined || title === undefined) return [];
    return [{ level: marks.length, title: title.replaceAll('`', ''), slug: slugOf(title), line }];
  });
}

/** As GitHub does it: lower case, no punctuation but hyphens and underscores, hyphens for spaces. */
function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
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

/** The code that stands in a cell, without its marks. */
export function codeIn(cell: string | undefined): string[] {
  return [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}
