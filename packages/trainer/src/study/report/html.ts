/** `report.html` of a study: one file that needs nothing else. */
import type { StudyReport } from './markdown';
import type { StudyTable } from './tables';

/**
 * @param drawing of the curves, as SVG
 * @param picture of what the variants draw, as PNG
 */
export function reportHtml(
  { title, tables, notes, command }: StudyReport,
  drawing: string,
  picture: Uint8Array | undefined,
): string {
  const image =
    picture === undefined
      ? ''
      : `<section><h2>What they draw</h2><div class="wide"><img alt="Pictures of the same prompts and noise by each variant" src="data:image/png;base64,${Buffer.from(picture).toString('base64')}"></div></section>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${notes.map((note) => `<p class="note">${escaped(note)}</p>`).join('\n')}
${tables.slice(0, 1).map(tableHtml).join('')}
<section><h2>Curves</h2><div class="wide drawing">${drawing}</div></section>
${tables.slice(1).map(tableHtml).join('\n')}
${image}
<footer>Made by <code>${escaped(command)}</code></footer>
</body>
</html>
`;
}

function tableHtml({ title, about, rows }: StudyTable): string {
  const [head = [], ...body] = rows;
  const cells = (row: readonly string[], tag: 'th' | 'td') =>
    row
      .map((cell, column) =>
        column === 0
          ? `<th scope="row">${escaped(cell)}</th>`
          : `<${tag}>${escaped(cell)}</${tag}>`,
      )
      .join('');
  return (
    `<section><h2>${escaped(title)}</h2><p>${escaped(about)}</p><div class="wide"><table>` +
    `<thead><tr>${cells(head, 'th')}</tr></thead>` +
    `<tbody>${body.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n')}</tbody></table></div></section>`
  );
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const STYLE = `
:root { color-scheme: light dark; --line: #d8d8d8; --soft: #666; --back: #fff; --text: #1a1a1a; }
@media (prefers-color-scheme: dark) { :root { --line: #444; --soft: #aaa; --back: #161616; --text: #eee; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; background: var(--back); color: var(--text); }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .3rem; }
p { margin: .3rem 0 .8rem; color: var(--soft); max-width: 48rem; } .note { color: inherit; border-left: 3px solid #d28b00; padding-left: .7rem; }
.wide { overflow-x: auto; } .drawing { background: #fff; } .drawing svg { max-width: 100%; height: auto; } img { max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th[scope=row], thead th:first-child { text-align: left; } thead th { font-weight: 600; } tbody th { font-weight: 400; }
footer { margin: 2.5rem 0 1rem; color: var(--soft); }
`;
