#!/bin/bash
# A run on two nodes with four GPUs each: sbatch slurm.sh my-run.yaml
#SBATCH --job-name=loop-diffusion
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-task=1
#SBATCH --cpus-per-task=8
#SBATCH --distribution=block
#SBATCH --requeue
set -euo pipefail

config=$1
# The same for each start of the job, so that it goes on with its run when it is requeued.
run=runs/slurm-$SLURM_JOB_ID

if [ -f "$run/events.jsonl" ]; then
  srun npx loop-diffusion resume "$run"
else
  srun npx loop-diffusion train "$config" --set output="$run"
fi
