import ts from 'typescript';

export type ModuleForm = 'esm' | 'cjs';

/** The contents of every block fenced as ```ts, in order. Other fences (```bash, ```text, …) are not examples. */
export function examplesOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts[ \t]*\n(.*?)^```[ \t]*$/gms)].map((match) => match[1] ?? '');
}

/**
 * The packages that the README tells its reader to install, from its first `npm install …` line.
 *
 * @throws Error when there is no such line
 */
export function installedByReader(markdown: string): string[] {
  const line = /^\s*npm (?:install|i) +(.+)$/m.exec(markdown)?.[1];
  if (line === undefined) throw new Error('README.md has no `npm install …` line for its reader.');
  return line.split(/\s+/).filter((word) => word !== '' && !word.startsWith('-'));
}

/**
 * JavaScript of a TypeScript example, with `import` or with `require`.
 *
 * CommonJS has no top-level await, so there everything but the imports moves into an async function.
 */
export function compileExample(source: string, form: ModuleForm): string {
  return ts.transpileModule(form === 'esm' ? source : wrapStatements(source), {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: form === 'esm' ? ts.ModuleKind.ESNext : ts.ModuleKind.CommonJS,
      esModuleInterop: true,
    },
  }).outputText;
}

function wrapStatements(source: string): string {
  const file = ts.createSourceFile('example.ts', source, ts.ScriptTarget.ES2022);
  const text = (statement: ts.Statement) => statement.getFullText(file);
  const imports = file.statements.filter((statement) => ts.isImportDeclaration(statement));
  const others = file.statements.filter((statement) => !ts.isImportDeclaration(statement));
  return `${imports.map(text).join('')}
(async () => {${others.map(text).join('')}
})().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
`;
}
