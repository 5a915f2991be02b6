// Compiled into tfjs-node's addon, whose eager context is private: keeps the context that its one call of TFE_NewContext
// makes (linked with --wrap=TFE_NewContext), so that functions.cc can register functions with it.

#include "tensorflow/c/eager/c_api.h"

namespace {

// The addon makes a context per thread that loads it, on that thread.
thread_local TFE_Context *context = nullptr;

}  // namespace

extern "C" {

TFE_Context *__real_TFE_NewContext(const TFE_ContextOptions *options, TF_Status *status);

TFE_Context *__wrap_TFE_NewContext(const TFE_ContextOptions *options, TF_Status *status) {
  context = __real_TFE_NewContext(options, status);
  return context;
}

__attribute__((visibility("default"))) TFE_Context *loop_diffusion_eager_context() { return context; }

}  // extern "C"
