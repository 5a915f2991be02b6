/** File names that say what is on the picture. */

/**
 * @param index counted from 0
 * @returns such as `003-a-red-circle.png`; safe on every file system
 */
export function imageFileName(index: number, prompt: string): string {
  const words = prompt
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-+|-+$/g, '');
  const number = String(index).padStart(3, '0');
  return words === '' ? `${number}.png` : `${number}-${words}.png`;
}
