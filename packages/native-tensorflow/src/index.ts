export {
  compile,
  compiledMemory,
  createCompileScope,
  disposeCompiled,
  type Compiled,
  type CompileOptions,
  type CompileScope,
} from './compile/compile';
export type { Fusion } from './compile/lower';
export { installNativeTensorflow, type InstallOptions, type InstallResult } from './install';
export type { Progress } from './download';
export { NativeTensorflowError, type NativeTensorflowErrorKind } from './errors';
export { measureConvolutionRate, measureMatmulRate } from './measure';
export { sideBySide } from './compile/program-order';
export { parallelParts } from './parallel-parts';
export { widenOnDevice } from './widen-on-device';
export { isStoredAsBfloat16, storeAsBfloat16 } from './bfloat16-storage';
export { nativeTensorflowStatus, type BuildStatus, type NativeTensorflowStatus } from './status';
export {
  backendNames,
  type BackendChoice,
  type BackendName,
  type Precision,
} from './backend-choice';
export type { KernelChoice } from './kernels/kernel-choice';
export type { InstructionSetName } from './kernels/instruction-sets';
export { useBestBackend, type BackendOptions } from './use-best-backend';
export {
  allGather,
  allGatherNumbers,
  allReduce,
  allReduceNumbers,
  barrier,
  broadcast,
  clusterInfo,
  type ClusterInfo,
  type CollectiveOptions,
  type ReduceOptions,
  type Reduction,
} from './distribution/collectives';
export type { Cluster } from './distribution/cluster';
export { leaveCluster } from './distribution/membership';
export { ClusterError } from './distribution/cluster-error';
export { clusterFromSlurm, type SlurmOptions } from './distribution/slurm';
export { clusterFromTfConfig } from './distribution/tf-config';
