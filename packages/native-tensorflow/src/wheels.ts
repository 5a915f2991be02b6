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

/** The files of an NVIDIA wheel that are kept: all but headers, static libraries, Python and metadata. */
export function isKeptNvidiaFile(path: string): boolean {
  return path.startsWith('nvidia/') && !path.includes('/include/') && !/\.(py|a)$/.test(path);
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

/** CUDA 12 and cuDNN 9 as `tensorflow[and-cuda]` asks for them. */
const gpuBuild: NativeBuild = {
  kind: 'gpu',
  version: '2.21.0',
  tensorflow: {
    project: 'tensorflow',
    version: '2.21.0',
    file: 'tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
    size: 572_440_367,
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
  },
  libraries: [
    {
      project: 'nvidia-cublas-cu12',
      version: '12.9.3.13',
      file: 'nvidia_cublas_cu12-12.9.3.13-py3-none-manylinux_2_27_x86_64.whl',
      size: 581_217_458,
      sha256: 'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
    },
    {
      project: 'nvidia-cuda-cupti-cu12',
      version: '12.8.90',
      file: 'nvidia_cuda_cupti_cu12-12.8.90-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      size: 10_248_621,
      sha256: 'ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182',
    },
    {
      project: 'nvidia-cuda-nvcc-cu12',
      version: '12.9.86',
      file: 'nvidia_cuda_nvcc_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
      size: 40_546_229,
      sha256: '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
    },
    {
      project: 'nvidia-cuda-nvrtc-cu12',
      version: '12.9.86',
      file: 'nvidia_cuda_nvrtc_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
      size: 89_568_129,
      sha256: '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
    },
    {
      project: 'nvidia-cuda-runtime-cu12',
      version: '12.9.79',
      file: 'nvidia_cuda_runtime_cu12-12.9.79-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      size: 3_493_179,
      sha256: '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
    },
    {
      project: 'nvidia-cudnn-cu12',
      version: '9.28.0.42',
      file: 'nvidia_cudnn_cu12-9.28.0.42-py3-none-manylinux_2_27_x86_64.whl',
      size: 716_538_495,
      sha256: '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
    },
    {
      project: 'nvidia-cufft-cu12',
      version: '11.4.1.4',
      file: 'nvidia_cufft_cu12-11.4.1.4-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      size: 200_877_592,
      sha256: 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
    },
    {
      project: 'nvidia-curand-cu12',
      version: '10.3.10.19',
      file: 'nvidia_curand_cu12-10.3.10.19-py3-none-manylinux_2_27_x86_64.whl',
      size: 68_295_626,
      sha256: '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
    },
    {
      project: 'nvidia-cusolver-cu12',
      version: '11.7.5.82',
      file: 'nvidia_cusolver_cu12-11.7.5.82-py3-none-manylinux_2_27_x86_64.whl',
      size: 338_117_415,
      sha256: '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
    },
    {
      project: 'nvidia-cusparse-cu12',
      version: '12.5.10.65',
      file: 'nvidia_cusparse_cu12-12.5.10.65-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      size: 366_465_088,
      sha256: '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
    },
    {
      project: 'nvidia-nccl-cu12',
      version: '2.32.3',
      file: 'nvidia_nccl_cu12-2.32.3-py3-none-manylinux_2_27_x86_64.whl',
      size: 351_526_311,
      sha256: 'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
    },
    {
      project: 'nvidia-nvjitlink-cu12',
      version: '12.9.86',
      file: 'nvidia_nvjitlink_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
      size: 39_748_338,
      sha256: 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
    },
  ],
  installedSize: 5_700_000_000,
};

export const nativeBuilds: Readonly<Record<'cpu' | 'gpu', NativeBuild>> = {
  cpu: cpuBuild,
  gpu: gpuBuild,
};
