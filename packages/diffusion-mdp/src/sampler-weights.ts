/** What a step makes of the sample x, the network's output and x̂0 of the step before. */
export interface SamplerWeights {
  /** The network sees `inputScale`·x. */
  readonly inputScale: number;
  /** x̂0 = `originalFromSample`·x + `originalFromOutput`·output */
  readonly originalFromSample: number;
  readonly originalFromOutput: number;
  /** x' = `nextFromSample`·x + `nextFromOriginal`·x̂0 + `nextFromPrevious`·x̂0 of the step before */
  readonly nextFromSample: number;
  readonly nextFromOriginal: number;
  /** 0 where only one x̂0 is used, as in the first step. */
  readonly nextFromPrevious: number;
}
