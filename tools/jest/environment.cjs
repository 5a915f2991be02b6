const { TestEnvironment } = require('jest-environment-node');

/**
 * Jest gives each test file its own realm, whose typed arrays are not the host's: native addons then refuse them, or take
 * an Int32Array for float32. The host's classes are handed in, so that there is one kind of each.
 */
module.exports = class HostTypedArrays extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of [
      'ArrayBuffer',
      'SharedArrayBuffer',
      'DataView',
      'Int8Array',
      'Uint8Array',
      'Uint8ClampedArray',
      'Int16Array',
      'Uint16Array',
      'Int32Array',
      'Uint32Array',
      'Float32Array',
      'Float64Array',
      'BigInt64Array',
      'BigUint64Array',
    ]) {
      this.global[name] = globalThis[name];
    }
  }
};
