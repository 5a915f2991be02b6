import { serverDef, taskName } from './server-def';

it('is what protobuf makes of the message', () => {
  // ServerDef(cluster=ClusterDef(job=[JobDef(name="worker", tasks={0: "a:1", 1: "b:22"})]), job_name="worker", task_index=1,
  //   default_session_config=ConfigProto(experimental=ConfigProto.Experimental(
  //     collective_group_leader="/job:worker/replica:0/task:0")), protocol="grpc").SerializeToString(), by hand from the
  // encoding's description (protobuf.dev/programming-guides/encoding): key = 8 · field + type, then length or value.
  const expected = [
    ...['0a 1d', '0a 1b', '0a 06 776f726b6572'], // cluster (29) { job (27) { name }
    ...['12 07', '08 00', '12 03 613a31'], // tasks { 0, "a:1" }
    ...['12 08', '08 01', '12 04 623a3232'], // tasks { 1, "b:22" } } }
    ...['12 06 776f726b6572', '18 01'], // job_name, task_index
    ...['22 21', '82 01 1e', '0a 1c'], // default_session_config (33) { experimental (30) { leader (28)
    Buffer.from('/job:worker/replica:0/task:0').toString('hex'),
    '2a 04 67727063', // protocol
  ];
  expect(Buffer.from(serverDef({ workers: ['a:1', 'b:22'], index: 1 })).toString('hex')).toBe(
    expected.join('').replaceAll(' ', ''),
  );
});

it('writes large numbers in several bytes', () => {
  const workers = Array.from({ length: 301 }, (_, index) => `host:${index + 1}`);
  const bytes = Buffer.from(serverDef({ workers, index: 300 }));
  // 300 = 2 · 128 + 44
  expect(bytes.includes(Buffer.from([0x18, 0x80 + 44, 2, 0x22]))).toBe(true);
  expect(bytes.includes(Buffer.from([0x08, 0x80 + 44, 2, 0x12, 8]))).toBe(true);
});

it('names tasks as TensorFlow does', () => {
  expect(taskName(12)).toBe('/job:worker/replica:0/task:12');
});
