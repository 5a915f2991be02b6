/** All packages in one run; a single package: `cd packages/NAME && npx jest`. */
export default { projects: ['<rootDir>/packages/*/jest.config.mjs'] };
