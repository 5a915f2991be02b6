export function dependenciesMatchLock(folder: string): boolean;
export function nativeLibraryProblem(
  status: number,
  environment: Readonly<Record<string, string | undefined>>,
): string | null;
export function nodeProblem(version: string, range: string): string | null;
