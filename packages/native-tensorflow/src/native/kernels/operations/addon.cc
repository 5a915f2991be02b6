// The addon: registers the operations with TensorFlow when it is first loaded in a process, and tells JavaScript which.

#include <node_api.h>

#include <exception>
#include <mutex>
#include <string>

#include "../kernels.h"
#include "../threads.h"
#include "families.h"
#include "registration.h"

namespace loop {
namespace {

// Once for all threads that load the addon.
void RegisterOnce() {
  static std::once_flag done;
  std::call_once(done, [] {
    RegisterAttentionOperations();
    RegisterConvolutionOperations();
    RegisterGateOperations();
    RegisterLinearOperations();
    RegisterNormOperations();
  });
}

napi_value Names(napi_env env) {
  napi_value names;
  if (napi_create_array(env, &names) != napi_ok) return nullptr;
  uint32_t index = 0;
  for (const std::string &name : RegisteredOperations()) {
    napi_value text;
    napi_create_string_utf8(env, name.c_str(), name.size(), &text);
    napi_set_element(env, names, index++, text);
  }
  return names;
}

// setThreadCount(count: number): number. The first call of the process decides; returns what holds.
napi_value SetThreads(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value value, result;
  int32_t threads = 0;
  if (napi_get_cb_info(env, info, &count, &value, nullptr, nullptr) != napi_ok || count != 1 ||
      napi_get_value_int32(env, value, &threads) != napi_ok) {
    napi_throw_type_error(env, nullptr, "setThreadCount takes a number.");
    return nullptr;
  }
  SetThreadCount(threads);
  napi_create_int32(env, ThreadCount(), &result);
  return result;
}

// {operations: string[], hasBfloat16: boolean, setThreadCount}
napi_value Initialise(napi_env env, napi_value exports) {
  try {
    RegisterOnce();
  } catch (const std::exception &problem) {
    napi_throw_error(env, nullptr, problem.what());
    return nullptr;
  }
  napi_value has_bfloat16;
  napi_get_boolean(env, HasBfloat16(), &has_bfloat16);
  const napi_property_descriptor properties[] = {
      {"operations", nullptr, nullptr, nullptr, nullptr, Names(env), napi_enumerable, nullptr},
      {"hasBfloat16", nullptr, nullptr, nullptr, nullptr, has_bfloat16, napi_enumerable, nullptr},
      {"setThreadCount", nullptr, SetThreads, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  napi_define_properties(env, exports, sizeof(properties) / sizeof(properties[0]), properties);
  return exports;
}

}  // namespace
}  // namespace loop

static napi_value Initialise(napi_env env, napi_value exports) { return loop::Initialise(env, exports); }
NAPI_MODULE(kernels, Initialise)
