/** Where those who installed the package find the scripts that export reward models. */
export const EXPORT_HINT =
  'export the model with the scripts of https://github.com/loop-diffusion/loop-diffusion/tree/main/tools/reward-models';
