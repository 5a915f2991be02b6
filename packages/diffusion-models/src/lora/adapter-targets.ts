/** Names that only the ones before them tell apart. */
const COMPOUND = /(?:^|\.)((?:ff\.net|downsamplers|upsamplers)\.\d+(?:\.(?:conv|proj))?)$/;

/** Whether a target, the end of a path, means this module: peft's rule for `target_modules`. */
export function matchesTarget(path: string, target: string): boolean {
  return path === target || path.endsWith(`.${target}`);
}

/** A module's name without its place in the network: `to_q`, `to_out.0`, `ff.net.0.proj`. */
export function targetOf(path: string): string {
  const segments = path.split('.');
  const start = segments.findLastIndex((segment) => !/^\d+$/.test(segment));
  return COMPOUND.exec(path)?.[1] ?? segments.slice(start).join('.');
}

/**
 * Targets that match the adapted modules and no other of the network: names alone where all modules of a name are adapted,
 * else with as much of the path as it takes.
 *
 * @param adapted some of `paths`
 * @returns sorted
 */
export function targetsOf(adapted: readonly string[], paths: readonly string[]): string[] {
  const isAdapted = new Set(adapted);
  const others = paths.filter((path) => !isAdapted.has(path));
  const targets = new Set<string>();
  for (const path of adapted) {
    if ([...targets].some((target) => matchesTarget(path, target))) continue;
    let target = targetOf(path);
    while (target !== path && others.some((other) => matchesTarget(other, target))) {
      const before = path.slice(0, -target.length - 1);
      target = path.slice(before.lastIndexOf('.') + 1);
    }
    targets.add(target);
  }
  return [...targets].sort();
}
