/**
 * What the clients' own adapters are worth, from the runs of a study: `node docs/results/federated/personal.mjs studies/study`.
 * A row for each variant and family: the mean over seeds of held-out reward by the global adapter and by the client's own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder = 'studies/study'] = process.argv.slice(2);
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const shown = (values) => (values.length === 0 ? '–' : mean(values).toFixed(3));

console.log('variant | family | before | global | personal | seeds');
for (const variant of readdirSync(join(folder, 'runs'))) {
  const families = new Map();
  for (const seed of readdirSync(join(folder, 'runs', variant))) {
    const text = readFileSync(join(folder, 'runs', variant, seed, 'events.jsonl'), 'utf8');
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const evaluations = new Map(
      events.filter(({ event }) => event === 'evaluation').map((record) => [record.name, record]),
    );
    for (const family of Object.keys(evaluations.get('after')?.families ?? {})) {
      const row = families.get(family) ?? { before: [], global: [], personal: [] };
      row.before.push(evaluations.get('before').families[family].mean);
      row.global.push(evaluations.get('after').families[family].mean);
      const own = evaluations.get(`client-${family}`);
      if (own !== undefined) row.personal.push(own.mean);
      families.set(family, row);
    }
  }
  for (const [family, { before, global, personal }] of families) {
    const cells = [variant, family, ...[before, global, personal].map(shown), global.length];
    console.log(cells.join(' | '));
  }
}
