/** Streams of the counter-based noise, so that two uses never share a number. */
export const STREAMS = {
  /** Initial latents (step 0) and step noise (step i + 1 for denoise step i) of training rollouts. */
  rollout: 0,
  /** The same for evaluations and sample grids. */
  evaluation: 1,
  /** Order of the prompts. */
  promptOrder: 2,
  /** How an iteration's images are cut into minibatches. */
  minibatches: 3,
  /** Initial weights of the adapter. */
  adapter: 4,
  /** Which denoise steps an iteration trains. */
  trainedSteps: 5,
  /** Where the window of denoise steps with noise is. */
  noiseWindow: 6,
  /** Timesteps and noise at which finished images are noised anew. */
  noising: 7,
  /** Images that join an iteration's own: as `rollout`. */
  extraSamples: 8,
  /** How the images of a prompt are cut into groups where gradients are measured. */
  groupOrders: 9,
  /** Which prompts a resample of a measurement has. */
  bootstrap: 10,
  /** Resamples of a study's seeds and prompts. */
  studyResamples: 11,
  /** Which clients a round of a federated run has. */
  clients: 12,
  /** Seeds of clients. */
  clientSeeds: 13,
  /** Images that modules are scored by. */
  layerScores: 14,
} as const;
