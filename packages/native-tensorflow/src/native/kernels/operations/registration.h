// How an operation is made known to TensorFlow, and what TensorFlow then calls.
#pragma once

#include <string>
#include <vector>

#include "kernel_api.h"
#include "operation.h"
#include "tensorflow/c/ops.h"

namespace loop {

void InferWith(const Operation &, TF_ShapeInferenceContext *, TF_Status *);
void ComputeWith(const Operation &, void *kernel, TF_OpKernelContext *);

struct TensorflowFunctions {
  void (*infer)(TF_ShapeInferenceContext *, TF_Status *);
  void (*compute)(void *kernel, TF_OpKernelContext *);
};
// Throws std::runtime_error where TensorFlow does not take it.
void RegisterWith(const Operation &, const TensorflowFunctions &);

// TensorFlow calls functions without any memory of their own, so that each operation has two of its own. To be called once in
// a process.
template <const Operation &kOperation>
void Register() {
  RegisterWith(kOperation, {[](TF_ShapeInferenceContext *context, TF_Status *status) { InferWith(kOperation, context, status); },
                            [](void *kernel, TF_OpKernelContext *context) { ComputeWith(kOperation, kernel, context); }});
}

// The names of those registered, without the instruction set that TensorFlow knows them by besides.
const std::vector<std::string> &RegisteredOperations();

}  // namespace loop
