// Nx loads generators with require; tsx gives it the TypeScript.
const { require: load } = require('tsx/cjs/api');

module.exports = (tree, options) =>
  load('./generator.ts', __filename).packageGenerator(tree, options);
