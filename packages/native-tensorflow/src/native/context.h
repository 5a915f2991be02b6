// What the files of ours in tfjs-node's addon have in common.

#ifndef LOOP_DIFFUSION_CONTEXT_H_
#define LOOP_DIFFUSION_CONTEXT_H_

#include "tensorflow/c/eager/c_api.h"

// This thread's context; null before the addon has made one.
extern "C" TFE_Context *loop_diffusion_eager_context();

// Why this thread's context is not the worker that it was to be; null where it is, or was to be none.
const char *JoinProblem();

#endif  // LOOP_DIFFUSION_CONTEXT_H_
