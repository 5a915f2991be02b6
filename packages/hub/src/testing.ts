export * from './testing/hub-server';
export * from './testing/loopback-server';
