/** One wheel from the Python package index, pinned to the byte. */
export interface Wheel {
  /** The project's name on the index, e.g. `tensorflow-cpu`. */
  readonly project: string;
  readonly version: string;
  readonly file: string;
  /** bytes */
  readonly size: number;
  readonly sha256: string;
}

/** What a native build is made of. */
export interface NativeBuild {
  readonly kind: 'cpu' | 'gpu';
  /** TensorFlow's version. */
  readonly version: string;
  readonly tensorflow: Wheel;
  /** NVIDIA's libraries, whose `nvidia/` folders go beside TensorFlow's. */
  readonly libraries: readonly Wheel[];
  /** Bytes on disk once installed, to see beforehand whether there is room. */
  readonly installedSize: number;
}

/** The shared libraries inside the wheel that are needed at run time. */
export const runtimeLibraries = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
] as const;

const headerFolder = 'tensorflow/include/';
const headerPattern =
  /^(tensorflow\/c\/(eager\/)?[^/]+|(tensorflow\/core|tsl)\/platform\/ctstring(_internal)?|xla\/tsl\/c\/tsl_status)\.h$/;

/** The files of TensorFlow's wheel that are kept: two libraries, and the C API's headers to compile the addon against. */
export function isKeptTensorflowFile(path: string): boolean {
  if ((runtimeLibraries as readonly string[]).includes(path)) return true;
  return path.startsWith(headerFolder) && headerPattern.test(path.slice(headerFolder.length));
}

/** The files of an NVIDIA wheel that are kept: everything but its headers and metadata. */
export function isKeptNvidiaFile(path: string): boolean {
  return path.startsWith('nvidia/') && !path.includes('/include/') && !path.endsWith('.py');
}

const cpuBuild: NativeBuild = {
  kind: 'cpu',
  version: '2.21.0',
  tensorflow: {
    project: 'tensorflow-cpu',
    version: '2.21.0',
    file: 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
    size: 273_829_956,
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
  },
  libraries: [],
  installedSize: 860_000_000,
};

const gpuBuild: NativeBuild = {
  ...cpuBuild,
  kind: 'gpu',
};

export const nativeBuilds: Readonly<Record<'cpu' | 'gpu', NativeBuild>> = {
  cpu: cpuBuild,
  gpu: gpuBuild,
};
