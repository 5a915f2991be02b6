/** Element types that this package reads and writes, by their name in the header. */
export type SafetensorsDtype =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL';

/**
 * Bytes per element. The order is the one in which Python's writer lays tensors out: wide types first, so that each
 * starts at a multiple of its own size.
 */
const bytesPerElementByDtype: ReadonlyMap<string, number> = new Map<SafetensorsDtype, number>([
  ['U64', 8],
  ['I64', 8],
  ['F64', 8],
  ['F32', 4],
  ['U32', 4],
  ['I32', 4],
  ['BF16', 2],
  ['F16', 2],
  ['U16', 2],
  ['I16', 2],
  ['I8', 1],
  ['U8', 1],
  ['BOOL', 1],
]);

const names = [...bytesPerElementByDtype.keys()];

export function isSafetensorsDtype(name: string): name is SafetensorsDtype {
  return bytesPerElementByDtype.has(name);
}

export function dtypeNames(): string {
  return names.join(', ');
}

export function bytesPerElement(dtype: SafetensorsDtype): number {
  return bytesPerElementByDtype.get(dtype) ?? Number.NaN;
}

/** Place of a dtype in the order of Python's writer. */
export function layoutRank(dtype: SafetensorsDtype): number {
  return names.indexOf(dtype);
}
