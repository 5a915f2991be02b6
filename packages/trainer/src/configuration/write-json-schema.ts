/** Writes `config.schema.json` to the path given: a step of the build. */
import { writeFileAtomically } from '../files/write-atomically';
import { editorSchema } from './editor-schema';

const [path = ''] = process.argv.slice(2);
writeFileAtomically(path, `${JSON.stringify(await editorSchema(), null, 2)}\n`);
