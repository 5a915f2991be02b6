import { runInNewContext } from 'node:vm';

import { compileExample, examplesOf, installedByReader } from './readme-examples';

const readme = `# A package

\`\`\`bash
npm install @loop-diffusion/a @tensorflow/tfjs-core
\`\`\`

\`\`\`ts
import { join } from 'node:path';
const parts: string[] = ['a', 'b'];
const joined = await Promise.resolve(join(...parts));
report(joined);
\`\`\`

\`\`\`text
not code
\`\`\`

\`\`\`ts
second();
\`\`\`
`;

describe('examplesOf', () => {
  it('takes every block fenced as ts and no other', () => {
    const examples = examplesOf(readme);
    expect(examples).toHaveLength(2);
    expect(examples[1]).toBe('second();\n');
  });
});

describe('installedByReader', () => {
  it('reads the packages of the install line', () => {
    expect(installedByReader(readme)).toEqual(['@loop-diffusion/a', '@tensorflow/tfjs-core']);
  });

  it('asks for the line where there is none', () => {
    expect(() => installedByReader('# Nothing')).toThrow('npm install');
  });
});

describe('compileExample', () => {
  const example = examplesOf(readme)[0]!;

  it('keeps imports and drops types for an ES module', () => {
    const code = compileExample(example, 'esm');
    expect(code).toContain(`import { join } from 'node:path';`);
    expect(code).not.toContain('string[]');
  });

  it('runs as CommonJS in spite of its top-level await', async () => {
    const reported = await new Promise((resolve) => {
      runInNewContext(compileExample(example, 'cjs'), {
        require,
        exports: {},
        process,
        console,
        report: resolve,
      });
    });
    expect(reported).toBe('a/b');
  });
});
