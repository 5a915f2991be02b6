/** `config.yaml`: the resolved configuration, each key with its meaning, ready to be run again. */
import { Document, isMap, isScalar, type Node, type Pair } from 'yaml';

import { fieldMetaAt } from '../configuration/key-reference';
import type { TrainConfig } from '../configuration/schema';
import { yamlTags } from '../configuration/yaml-text';

export function configFileText(config: TrainConfig): string {
  const document = new Document(config, { customTags: yamlTags });
  explain(document.contents, []);
  return document.toString({ lineWidth: 0 });
}

function explain(node: Node | null, path: readonly string[]): void {
  if (!isMap(node)) return;
  for (const pair of node.items as Pair<Node, Node | null>[]) {
    if (!isScalar(pair.key)) continue;
    const here = [...path, String(pair.key.value)];
    const description = fieldMetaAt(here)?.description;
    if (isMap(pair.value)) explain(pair.value, here);
    else if (description !== undefined) {
      if (isScalar(pair.value)) pair.value.comment = ` ${description}`;
      else pair.key.commentBefore = ` ${description}`;
    }
  }
}
