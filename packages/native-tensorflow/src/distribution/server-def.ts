/** The message that tells TensorFlow's runtime of a cluster, in protobuf's encoding. */
import type { Cluster } from './cluster';

/** The one kind of task: all do the same. */
const job = 'worker';

/** A worker's name in TensorFlow, as its errors have it. */
export function taskName(index: number): string {
  return `/job:${job}/replica:0/task:${index}`;
}

/**
 * A `tensorflow.ServerDef` (tensorflow/core/protobuf/tensorflow_server.proto, cluster.proto and config.proto).
 *
 * @returns its bytes
 */
export function serverDef({ workers, index }: Pick<Cluster, 'workers' | 'index'>): Uint8Array {
  // map<int32, string> tasks = 2
  const tasks = workers.map((address, task) => message(2, integer(1, task), text(2, address)));
  return Buffer.concat([
    message(1, message(1, text(1, job), ...tasks)), // cluster = 1 { job = 1 }
    text(2, job), // job_name
    integer(3, index), // task_index
    // default_session_config = 4 { experimental = 16 { collective_group_leader = 1 } }
    message(4, message(16, text(1, taskName(0)))),
    text(5, 'grpc'), // protocol
  ]);
}

function message(field: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const value = Buffer.concat(parts);
  return Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);
}

function text(field: number, value: string): Uint8Array {
  return message(field, Buffer.from(value, 'utf8'));
}

function integer(field: number, value: number): Uint8Array {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

/** Seven bits in a byte, the low ones first. */
function varint(value: number): Uint8Array {
  const digits: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) digits.push((rest % 128) + 128);
  return Uint8Array.from([...digits, rest]);
}
