/** Numbers in flags. */
import { InvalidArgumentError } from 'commander';

export function wholeNumberFlag(minimum: number, maximum: number): (text: string) => number {
  return numberFlag(
    (value) => Number.isSafeInteger(value) && value >= minimum && value <= maximum,
    `a whole number from ${String(minimum)} to ${String(maximum)}`,
  );
}

export function realNumberFlag(minimum: number, maximum: number): (text: string) => number {
  return numberFlag(
    (value) => value >= minimum && value <= maximum,
    `a number from ${String(minimum)} to ${String(maximum)}`,
  );
}

function numberFlag(isValid: (value: number) => boolean, expected: string) {
  return (text: string) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!isValid(value)) throw new InvalidArgumentError(`It must be ${expected}.`);
    return value;
  };
}
