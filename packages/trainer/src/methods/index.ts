/** Every method there is by name. A new one is a file of its own, and a line here. */
import { apa } from './apa';
import { asft } from './asft';
import { awm } from './awm';
import { dpo } from './dpo';
import { grpo } from './grpo';
import { ilbo } from './ilbo';
import { loop } from './loop';
import type { Method } from './method';
import { nft } from './nft';
import { ppo } from './ppo';
import { qvpo } from './qvpo';
import { reinforce } from './reinforce';
import { rloo } from './rloo';
import { rpo } from './rpo';
import { rwr } from './rwr';

export const METHODS = [
  loop,
  ppo,
  rloo,
  reinforce,
  grpo,
  apa,
  ilbo,
  asft,
  dpo,
  rpo,
  qvpo,
  rwr,
  nft,
  awm,
] as const;

export type MethodName = (typeof METHODS)[number]['name'];

export const METHOD_NAMES = METHODS.map(({ name }) => name);

/** Undefined for a method of one's own. */
export function methodNamed(name: string): Method<unknown, unknown> | undefined {
  return (METHODS as readonly Method<unknown, unknown>[]).find((method) => method.name === name);
}
