/** Finds the command lines of this project in documents and messages. */

export interface DocumentedCommand {
  /** As it is written. */
  readonly text: string;
  readonly program: 'loop-diffusion' | 'loop-rewards' | 'native-tensorflow';
  readonly parameters: readonly string[];
}

const PREFIX =
  /^(?:npx )?(?:-p @loop-diffusion\/(?:trainer|rewards) )?(loop-diffusion|loop-rewards) (?=[a-z-])/;
const FENCED = /^ *```([^\n]*)\n(.*?)^ *```/gms;
const NATIVE = /^npx @loop-diffusion\/(native-tensorflow) (?=[a-z-])/;

/** Those of a document: lines of its code blocks, and code within its text that begins with npx. */
export function commandsOfMarkdown(markdown: string): DocumentedCommand[] {
  const shell = ['', 'sh', 'bash', 'console', 'text'];
  const blocks = [...markdown.matchAll(FENCED)]
    .filter(([, language = '']) => shell.includes(language.trim()))
    .map(([, , block = '']) => block);
  const lines = blocks.flatMap((block) => block.replaceAll(/\s*\\\n\s*/g, ' ').split('\n'));
  const text = markdown.replaceAll(FENCED, '');
  const inline = [...text.matchAll(/`(npx [^`\n]+)`/g)].map(([, code = '']) => code);
  return [...lines, ...inline].flatMap(parseCommand);
}

/** Those in the messages of a source file: what stands in backquotes or double quotes there, where no value is filled in. */
export function commandsOfSource(source: string): DocumentedCommand[] {
  // A constant's text where it is filled in.
  const constants = [...source.matchAll(/^const (\w+) = '([^'\n]*)';$/gm)];
  const filled = constants.reduce(
    (text, [, name = '', value = '']) => text.replaceAll(`\${${name}}`, value),
    source.replaceAll('\\`', '`'),
  );
  const withoutComments = filled.replaceAll(/\/\*.*?\*\/|^\s*\/\/.*$/gms, '');
  return [...withoutComments.matchAll(/["`]((?:npx|loop-)[^"`\n]+)["`]/g)]
    .map(([, text = '']) => text)
    .filter((text) => !text.includes('${'))
    .flatMap(parseCommand);
}

function parseCommand(line: string): DocumentedCommand[] {
  const text = line
    .trim()
    .replace(/^\$ /, '')
    .replace(/^(?:[A-Z_]+=\S* )+/, '') // variables of its environment
    .replace(/\s+#.*$/, '');
  const match = PREFIX.exec(text) ?? NATIVE.exec(text);
  if (match === null) return [];
  const program = match[1] as DocumentedCommand['program'];
  return [{ text, program, parameters: splitWords(text.slice(match[0].length)) }];
}

/** As a shell does, without variables. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  );
}
