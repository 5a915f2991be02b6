// Loads TensorFlow's shared library quietly.
//
// TensorFlow writes to standard error from its static initialisers, before any setting can reach it, and reads its
// environment with getenv(), which assignments to process.env do not reach in worker threads. Both need native code that
// runs before the library is opened, so this addon does not link with it. It also hands a cluster to tfjs-node's addon.

#include <cpuid.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

namespace {

bool ReadString(napi_env env, napi_value value, std::string *text) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return false;
  text->resize(length + 1);
  if (napi_get_value_string_utf8(env, value, &(*text)[0], length + 1, &length) != napi_ok) return false;
  text->resize(length);
  return true;
}

// setEnvironment(name: string, value: string): void. Leaves a variable alone that is set already.
napi_value SetEnvironment(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value values[2];
  std::string name, value;
  if (napi_get_cb_info(env, info, &count, values, nullptr, nullptr) != napi_ok || count != 2 ||
      !ReadString(env, values[0], &name) || !ReadString(env, values[1], &value)) {
    napi_throw_type_error(env, nullptr, "setEnvironment takes a name and a value.");
    return nullptr;
  }
  setenv(name.c_str(), value.c_str(), 0);
  return nullptr;
}

// openLibrary(path: string, quiet: boolean): void. Standard error goes to /dev/null meanwhile when quiet.
napi_value OpenLibrary(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value values[2];
  std::string path;
  bool quiet = false;
  if (napi_get_cb_info(env, info, &count, values, nullptr, nullptr) != napi_ok || count != 2 ||
      !ReadString(env, values[0], &path) || napi_get_value_bool(env, values[1], &quiet) != napi_ok) {
    napi_throw_type_error(env, nullptr, "openLibrary takes a path and a boolean.");
    return nullptr;
  }
  int saved = -1;
  if (quiet) {
    fflush(stderr);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
      saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
      if (saved >= 0) dup2(nowhere, STDERR_FILENO);
      close(nowhere);
    }
  }
  void *library = dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  const char *problem = library == nullptr ? dlerror() : nullptr;
  if (saved >= 0) {
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
  }
  if (problem != nullptr) napi_throw_error(env, nullptr, problem);
  return nullptr;
}

// setCluster(addon: string, definition: Uint8Array, address: string, port: number): void. The worker that tfjs-node's addon is to
// be, told before it is loaded as a module, for it makes its context then.
napi_value SetCluster(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value values[4];
  std::string addon, address;
  void *definition = nullptr;
  size_t length = 0;
  uint32_t port = 0;
  if (napi_get_cb_info(env, info, &count, values, nullptr, nullptr) != napi_ok || count != 4 ||
      !ReadString(env, values[0], &addon) || !ReadString(env, values[2], &address) ||
      napi_get_typedarray_info(env, values[1], nullptr, &length, &definition, nullptr, nullptr) != napi_ok ||
      napi_get_value_uint32(env, values[3], &port) != napi_ok || port == 0 || port > UINT16_MAX) {
    napi_throw_type_error(env, nullptr, "setCluster takes an addon, bytes, an address and a port.");
    return nullptr;
  }
  void *library = dlopen(addon.c_str(), RTLD_LAZY | RTLD_LOCAL);
  void *function = library == nullptr ? nullptr : dlsym(library, "loop_diffusion_set_cluster");
  if (function == nullptr) {
    napi_throw_error(env, nullptr, dlerror());
    return nullptr;
  }
  using Set = void (*)(const void *, size_t, const char *, uint16_t);
  reinterpret_cast<Set>(function)(definition, length, address.c_str(), static_cast<uint16_t>(port));
  return nullptr;
}

// Whether there are products of bfloat16 in AVX-512 (CPUID, leaf 7.1); compilers know it by name only of late.
bool HasBfloat16() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1u << 5)) != 0;
}

// instructionSets(): string[]. Those that the kernels are compiled for and that this processor has, the system included, which
// must keep the wider registers.
napi_value InstructionSets(napi_env env, napi_callback_info) {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  napi_value names;
  if (napi_create_array(env, &names) != napi_ok) return nullptr;
  uint32_t count = 0;
  const auto add = [&](const char *name) {
    napi_value text;
    napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &text);
    napi_set_element(env, names, count++, text);
  };
  if (avx2) add("avx2");
  if (avx2 && avx512) add("avx512");
  if (avx2 && avx512 && HasBfloat16()) add("avx512bf16");
  return names;
}

napi_value Initialise(napi_env env, napi_value exports) {
  const napi_property_descriptor properties[] = {
      {"setEnvironment", nullptr, SetEnvironment, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"openLibrary", nullptr, OpenLibrary, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"setCluster", nullptr, SetCluster, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"instructionSets", nullptr, InstructionSets, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  napi_define_properties(env, exports, sizeof(properties) / sizeof(properties[0]), properties);
  return exports;
}

}  // namespace

NAPI_MODULE(startup, Initialise)
