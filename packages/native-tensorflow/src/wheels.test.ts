import { platformTags } from './download';
import { isKeptNvidiaFile, isKeptTensorflowFile, nativeBuilds } from './wheels';

it('pins every wheel', () => {
  for (const build of Object.values(nativeBuilds)) {
    for (const wheel of [build.tensorflow, ...build.libraries]) {
      expect(wheel.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(wheel.file.replaceAll('_', '-')).toContain(`${wheel.project}-${wheel.version}-`);
      expect(platformTags(wheel).every((tag) => /^manylinux.*_x86_64$/.test(tag))).toBe(true);
    }
  }
});

it('reads the platform tags off a name', () => {
  const file = 'a-1-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl';
  expect(platformTags({ file })).toEqual(['manylinux2014_x86_64', 'manylinux_2_17_x86_64']);
});

it.each([
  ['tensorflow/libtensorflow_cc.so.2', true],
  ['tensorflow/libtensorflow_framework.so.2', true],
  ['tensorflow/include/tensorflow/c/c_api.h', true],
  ['tensorflow/include/tensorflow/c/eager/c_api.h', true],
  ['tensorflow/include/tensorflow/core/platform/ctstring_internal.h', true],
  ['tensorflow/include/tsl/platform/ctstring.h', true],
  ['tensorflow/include/xla/tsl/c/tsl_status.h', true],
  ['tensorflow/include/tensorflow/c/experimental/grappler/grappler.h', false],
  ['tensorflow/include/tensorflow/core/framework/op.h', false],
  ['tensorflow/libtensorflow_cc.so.2/../../x', false],
])('of TensorFlow keeps %s: %s', (path, kept) => {
  expect(isKeptTensorflowFile(path)).toBe(kept);
});

it.each([
  ['nvidia/cublas/lib/libcublas.so.12', true],
  ['nvidia/cuda_nvcc/bin/ptxas', true],
  ['nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc', true],
  ['nvidia/cublas/include/cublas.h', false],
  ['nvidia/cublas/__init__.py', false],
  ['nvidia/cuda_runtime/lib/libcudart_static.a', false],
  ['nvidia_cublas_cu12-12.9.3.13.dist-info/METADATA', false],
])('of NVIDIA keeps %s: %s', (path, kept) => {
  expect(isKeptNvidiaFile(path)).toBe(kept);
});
