export function dependenciesMatchLock(folder: string): boolean;
