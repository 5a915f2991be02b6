import type { SafetensorsDtype } from './dtype';
import { dtypeNames, isSafetensorsDtype } from './dtype';
import { SafetensorsError } from './safetensors-error';
import { quote } from './tensor';

export interface HeaderEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  readonly entries: readonly HeaderEntry[];
}

/**
 * Parses the header's JSON. `JSON.parse` would not do: it keeps the last of two equal keys without a word (two readers
 * could then see different tensors in one file), rounds integers above 2^53, and gives `__proto__` a meaning.
 * The grammar of a header is small, so it is read token by token.
 */
export function parseHeader(text: string): Header {
  const scanner = new Scanner(text);
  const entries: HeaderEntry[] = [];
  // Without a prototype, so that a key such as "__proto__" is an ordinary key.
  let metadata = Object.create(null) as Record<string, string>;
  scanner.object('the header', (name) => {
    if (name === '__metadata__') {
      metadata = parseMetadata(scanner);
    } else {
      entries.push(parseEntry(scanner, name));
    }
  });
  scanner.end();
  return { metadata, entries };
}

function parseMetadata(scanner: Scanner): Record<string, string> {
  const metadata = Object.create(null) as Record<string, string>;
  scanner.object('__metadata__', (key) => {
    metadata[key] = scanner.string(`the metadata value of ${quote(key)}`);
  });
  return metadata;
}

function parseEntry(scanner: Scanner, name: string): HeaderEntry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  scanner.object(`tensor ${quote(name)}`, (field) => {
    if (field === 'dtype') {
      dtype = scanner.string(`the dtype of tensor ${quote(name)}`);
    } else if (field === 'shape') {
      shape = scanner.integers(`the shape of tensor ${quote(name)}`);
    } else if (field === 'data_offsets') {
      offsets = scanner.integers(`the data_offsets of tensor ${quote(name)}`);
    } else {
      throw new SafetensorsError(
        `Tensor ${quote(name)} has the unknown field ${quote(field)}; expected dtype, shape and data_offsets.`,
      );
    }
  });
  if (dtype === undefined || shape === undefined || offsets === undefined) {
    throw new SafetensorsError(
      `Tensor ${quote(name)} must have dtype, shape and data_offsets; one is missing.`,
    );
  }
  if (!isSafetensorsDtype(dtype)) {
    throw new SafetensorsError(
      `Tensor ${quote(name)} has the dtype ${quote(dtype)}, which this reader does not know; it reads ${dtypeNames()}. Convert the file to one of them.`,
    );
  }
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || offsets.length !== 2) {
    throw new SafetensorsError(
      `Tensor ${quote(name)} must have two data_offsets, begin and end; it has ${offsets.length}.`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** Reads the tokens of the JSON that a header may hold: objects, strings and arrays of whole numbers. */
class Scanner {
  private position = 0;

  constructor(private readonly text: string) {}

  /** An object; `member` reads the value of each key. Equal keys are refused. */
  object(what: string, member: (key: string) => void): void {
    this.expect('{', what);
    const seen = new Set<string>();
    if (this.accept('}')) return;
    do {
      const key = this.string(`a key of ${what}`);
      if (seen.has(key)) {
        throw new SafetensorsError(
          `The key ${quote(key)} occurs twice in ${what}; the file is malformed.`,
        );
      }
      seen.add(key);
      this.expect(':', what);
      member(key);
    } while (this.accept(','));
    this.expect('}', what);
  }

  string(what: string): string {
    this.expect('"', what);
    const start = this.position - 1;
    for (let code = this.code(); code !== 0x22; code = this.code()) {
      if (Number.isNaN(code)) this.fail(`the end of ${what}, a string`);
      this.position += code === 0x5c ? 2 : 1;
    }
    this.position += 1;
    let value: string;
    try {
      value = JSON.parse(this.text.slice(start, this.position)) as string;
    } catch {
      this.position = start;
      return this.fail(`${what}, a valid JSON string`);
    }
    // Escapes such as "\ud800" alone are no Unicode text and have no UTF-8 form.
    if (/\p{Surrogate}/u.test(value)) {
      this.position = start;
      return this.fail(`${what}, a string of whole Unicode characters`);
    }
    return value;
  }

  integers(what: string): number[] {
    this.expect('[', what);
    const values: number[] = [];
    if (this.accept(']')) return values;
    do {
      values.push(this.integer(what));
    } while (this.accept(','));
    this.expect(']', what);
    return values;
  }

  end(): void {
    this.skipSpace();
    if (this.position < this.text.length) this.fail('nothing but spaces after the header');
  }

  private integer(what: string): number {
    this.skipSpace();
    const start = this.position;
    while (isDigit(this.code())) this.position += 1;
    const digits = this.text.slice(start, this.position);
    const value = Number(digits);
    const wellFormed = digits === '0' || (digits !== '' && !digits.startsWith('0'));
    if (!wellFormed || !Number.isSafeInteger(value)) {
      this.position = start;
      this.fail(`${what}, whole numbers from 0 to 2^53 - 1`);
    }
    return value;
  }

  private expect(character: string, what: string): void {
    if (!this.accept(character)) this.fail(`"${character}" in ${what}`);
  }

  private accept(character: string): boolean {
    this.skipSpace();
    if (this.text[this.position] !== character) return false;
    this.position += 1;
    return true;
  }

  private skipSpace(): void {
    for (
      let code = this.code();
      code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
      code = this.code()
    ) {
      this.position += 1;
    }
  }

  private code(): number {
    return this.text.charCodeAt(this.position);
  }

  private fail(expected: string): never {
    const found =
      this.position < this.text.length
        ? quote(this.text.slice(this.position, this.position + 20))
        : 'its end';
    throw new SafetensorsError(
      `Malformed safetensors header: expected ${expected} at character ${this.position}, found ${found}.`,
    );
  }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
