import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { parseEndpoint, quote, type Cluster } from './cluster';
import { ClusterError } from './cluster-error';

/** What the system knows of names and addresses; tests have their own. */
export interface Network {
  /** The numeric addresses of a name. */
  readonly addressesOf: (host: string) => Promise<readonly string[]>;
  /** This machine's own. */
  readonly own: () => readonly string[];
  /** Before a name that is unknown is asked for again. */
  readonly pause: () => Promise<void>;
}

const system: Network = {
  addressesOf: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  own: () =>
    Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []),
  pause: () => setTimeout(1000),
};

/** Kubernetes knows a pod's name only some seconds after the pod has started. */
const mostTries = 30;

/**
 * Where a worker listens: on the address that its own `host` in the list of workers stands for, and on no other, for who reaches
 * the port can make the process do anything.
 *
 * @returns numeric; `0.0.0.0` and `::`, all addresses, only where the cluster says so
 * @throws ClusterError where the host stands for no address of this machine, or for one that other machines cannot reach
 */
export async function listenAddressOf(
  { workers, index, listenAddress }: Cluster,
  network: Network = system,
): Promise<string> {
  if (listenAddress !== undefined) {
    if (typeof listenAddress === 'string' && isIP(listenAddress) !== 0) return listenAddress;
    throw new ClusterError(
      `listenAddress is ${quote(listenAddress)}, but must be a numeric address, as 127.0.0.1, or 0.0.0.0 for all.`,
    );
  }
  const { host } = parseEndpoint(workers[index], index);
  const found = isIP(host) === 0 ? await resolve(host, index, network) : [host];
  const own = found.filter((address) => isLoopback(address) || network.own().includes(address));
  // To those of IPv4 a name of both is reached by all.
  const ordered = [...own.filter((address) => isIP(address) === 4), ...own];
  const reachable = ordered.find((address) => !isLoopback(address)) ?? ordered[0];
  if (reachable === undefined) {
    throw new ClusterError(
      `The host of worker ${index}, ${host} (${found.join(', ')}), is not an address of this machine, so that nothing can listen there: check the index, or set listenAddress.`,
    );
  }
  const others = workers.some((worker, rank) => parseEndpoint(worker, rank).host !== host);
  if (isLoopback(reachable) && others && isIP(host) === 0 && host !== 'localhost') {
    // As Debian's /etc/hosts has a machine's own name.
    throw new ClusterError(
      `The host of worker ${index}, ${host}, is ${reachable} on this machine, where no other can reach it: name an address in its stead, or set listenAddress.`,
    );
  }
  return reachable;
}

async function resolve(host: string, index: number, network: Network): Promise<readonly string[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await network.addressesOf(host);
    } catch (error) {
      if (tries === mostTries) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new ClusterError(
          `The host of worker ${index}, ${host}, is unknown here: ${reason}.`,
          { cause: error },
        );
      }
      await network.pause();
    }
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
