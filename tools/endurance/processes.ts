/** The processes of this machine, as Linux tells of them (proc(5)). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export function childrenOf(parent: number): number[] {
  return processes().filter((pid) => {
    const stat = read(pid, 'stat');
    // Field 4; before it stands the name, which may have brackets of its own.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(parent);
  });
}

/** @param text in an argument of theirs */
export function processesWith(text: string): number[] {
  return processes().filter((pid) => read(pid, 'cmdline').includes(text));
}

/** The value of a variable that a process was started with. */
export function environmentOf(pid: number, name: string): string | undefined {
  const entry = read(pid, 'environ')
    .split('\0')
    .find((each) => each.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

export function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/stat`))
    .map(Number);
}

/** Empty of a process that is gone. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
