/** `report.md` of a study. */
import type { StudyTable } from './tables';

export interface StudyReport {
  readonly title: string;
  readonly tables: readonly StudyTable[];
  /** Sentences on what is missing, or cannot be compared. */
  readonly notes: readonly string[];
  /** The command that makes the study. */
  readonly command: string;
}

/** @param pictures files beside it, with what they show */
export function reportMarkdown(
  { title, tables, notes, command }: StudyReport,
  pictures: readonly { readonly file: string; readonly shows: string }[],
): string {
  return [
    `# ${escaped(title)}`,
    '',
    ...notes.flatMap((note) => [escaped(note), '']),
    ...tables.flatMap((table) => [
      `## ${escaped(table.title)}`,
      '',
      escaped(table.about),
      '',
      ...markdownTable(table.rows),
      '',
    ]),
    ...pictures.flatMap(({ file, shows }) => [`![${shows}](${file})`, '']),
    `Made by \`${command.replace(/[`\s]+/g, ' ')}\`.`,
    '',
  ].join('\n');
}

function markdownTable(rows: StudyTable['rows']): string[] {
  const [head = [], ...body] = rows.map((row) => row.map(escaped));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(head),
    line(head.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...body.map(line),
  ];
}

/** Names of variants are texts, whatever they look like. */
function escaped(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\|`*_<>&#!]|\](?=\()/g, '\\$&');
}
