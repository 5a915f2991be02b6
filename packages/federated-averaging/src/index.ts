export { layerScore, rankLayers, type ScoredClient } from './layer-score';
export { lanczosSpectrum, type LanczosOptions, type Spectrum } from './lanczos-spectrum';
export { settledShare, type SettledShareOptions } from './settled-share';
export {
  createServer,
  type ClientUpdate,
  type FederatedServer,
  type Round,
  type ServerOptions,
  type ServerState,
} from './server';
