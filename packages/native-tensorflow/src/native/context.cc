// Compiled into tfjs-node's addon, whose eager context is private: keeps the context that its one call of TFE_NewContext
// makes (linked with --wrap=TFE_NewContext), so that functions.cc can register functions with it, and makes it a worker of a
// cluster where it is to be one, before the addon asks which devices there are.

#include "context.h"

#include <dlfcn.h>

#include <string>

#include "listen-address.h"
#include "tensorflow/c/c_api_experimental.h"

namespace {

// The addon makes a context per thread that loads it, on that thread.
thread_local TFE_Context *context = nullptr;

// The worker that the next context is to be; empty where it is to be none.
thread_local std::string server_definition;
thread_local std::string listen_address;
thread_local uint16_t listen_port = 0;
thread_local std::string join_problem;

// Makes a worker of the context: starts TensorFlow's server. What goes wrong is kept, for the addon tells errors without reasons.
void Join() {
  if (server_definition.empty() || context == nullptr) return;
  ListenAddress listen(listen_address.c_str(), listen_port);
  if (listen.problem() != nullptr) {
    join_problem = listen.problem();
    return;
  }
  TF_Status *status = TF_NewStatus();
  TFE_EnableCollectiveOps(context, server_definition.data(), server_definition.size(), status);
  if (TF_GetCode(status) != TF_OK) join_problem = TF_Message(status);
  TF_DeleteStatus(status);
  // The system's reason, such as a port in use, which TensorFlow does not tell.
  if (listen.bind_problem() != nullptr && !listen.bound()) join_problem = listen.bind_problem();
  else if (join_problem.empty() && !listen.bound()) join_problem = "TensorFlow did not listen where it was told to";
  server_definition.clear();
}

}  // namespace

extern "C" {

TFE_Context *__real_TFE_NewContext(const TFE_ContextOptions *options, TF_Status *status);

TFE_Context *__wrap_TFE_NewContext(const TFE_ContextOptions *options, TF_Status *status) {
  context = __real_TFE_NewContext(options, status);
  Join();
  return context;
}

__attribute__((visibility("default"))) TFE_Context *loop_diffusion_eager_context() { return context; }

// What the next context of this thread is to be: a serialized tensorflow.ServerDef, and where its server listens.
__attribute__((visibility("default"))) void loop_diffusion_set_cluster(const void *definition, size_t size,
                                                                       const char *address, uint16_t port) {
  server_definition.assign(static_cast<const char *>(definition), size);
  listen_address = address;
  listen_port = port;
}

}  // extern "C"

const char *JoinProblem() { return join_problem.empty() ? nullptr : join_problem.c_str(); }
