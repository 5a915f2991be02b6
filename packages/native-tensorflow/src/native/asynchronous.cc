// Compiled into tfjs-node's addon, to whose functions it adds some: operations that wait for other processes are run on a
// thread of their own, so that Node's goes on. Collective operations wait for as long as the slowest worker takes.

#include <node_api.h>

#include <exception>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "context.h"
#include "tensorflow/c/c_api_experimental.h"
#include "tfjs_backend.h"
#include "utils.h"

namespace tfnodejs {

// tfjs_backend.cc has it, and its header does not say so.
void AssignOpAttr(napi_env env, TFE_Op *operation, napi_value attribute);

namespace {

// Private members of the backend, by the one way that the language leaves: an explicit instantiation may name them.
template <typename Key, typename Key::Type Member>
struct Reveal {
  friend typename Key::Type Revealed(Key) { return Member; }
};
struct HandlesKey {
  using Type = std::unordered_map<int32_t, TFE_TensorHandle *> TFJSBackend::*;
  friend Type Revealed(HandlesKey);
};
template struct Reveal<HandlesKey, &TFJSBackend::tfe_handle_map_>;
struct DescribeKey {
  using Type = napi_value (TFJSBackend::*)(napi_env, TFE_TensorHandle *);
  friend Type Revealed(DescribeKey);
};
template struct Reveal<DescribeKey, &TFJSBackend::GenerateOutputTensorInfo>;

struct Failure {
  std::string message;
};

void Check(napi_status status, const char *what) {
  if (status != napi_ok) throw Failure{what};
}

TFJSBackend *Backend(napi_env env) {
  void *backend = nullptr;
  Check(napi_get_instance_data(env, &backend), "the backend was expected");
  if (backend == nullptr) throw Failure{"there is no backend"};
  return static_cast<TFJSBackend *>(backend);
}

std::string ReadString(napi_env env, napi_value value) {
  size_t length = 0;
  Check(napi_get_value_string_utf8(env, value, nullptr, 0, &length), "a string was expected");
  std::string text(length + 1, '\0');
  Check(napi_get_value_string_utf8(env, value, &text[0], length + 1, &length), "a string was expected");
  text.resize(length);
  return text;
}

int64_t ReadInteger(napi_env env, napi_value value) {
  int64_t number = 0;
  Check(napi_get_value_int64(env, value, &number), "a whole number was expected");
  return number;
}

std::vector<napi_value> ReadArray(napi_env env, napi_value value) {
  uint32_t length = 0;
  Check(napi_get_array_length(env, value, &length), "an array was expected");
  std::vector<napi_value> elements(length);
  for (uint32_t i = 0; i < length; i++) {
    Check(napi_get_element(env, value, i, &elements[i]), "an array was expected");
  }
  return elements;
}

// What a thread does, and the promise that it keeps.
struct Work {
  std::function<void(Work &)> run;  // on the thread
  napi_deferred promise = nullptr;
  napi_threadsafe_function report = nullptr;
  std::thread thread;
  TF_Status *status = TF_NewStatus();
  TFE_Op *operation = nullptr;
  TFE_TensorHandle *output = nullptr;

  Work() = default;
  Work(const Work &) = delete;
  Work &operator=(const Work &) = delete;
  ~Work() {
    if (output != nullptr) TFE_DeleteTensorHandle(output);
    if (operation != nullptr) TFE_DeleteOp(operation);
    TF_DeleteStatus(status);
  }
};

// Of this thread of Node's.
thread_local std::set<Work *> under_way;

void Abort(TF_Code code, const char *message) {
  TF_Status *status = TF_NewStatus();
  TF_SetStatus(status, code, message);
  TFE_AbortCollectiveOps(loop_diffusion_eager_context(), status);
  TF_DeleteStatus(status);
}

// Before Node ends: the threads must not outlive the context.
void EndAll(void *) {
  if (under_way.empty()) return;
  Abort(TF_CANCELLED, "the process ends");
  for (Work *work : under_way) {
    work->thread.join();
    delete work;
  }
  under_way.clear();
}

napi_value Error(napi_env env, const TF_Status *status) {
  napi_value code, message, error;
  napi_create_string_utf8(env, std::to_string(TF_GetCode(status)).c_str(), NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env, TF_Message(status), NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &error);
  return error;
}

// Back on Node's thread.
void Finish(napi_env env, napi_value, void *context, void *) {
  if (env == nullptr) return;  // Node ends; EndAll sees to it.
  auto *work = static_cast<Work *>(context);
  work->thread.join();
  napi_release_threadsafe_function(work->report, napi_tsfn_release);
  under_way.erase(work);
  if (TF_GetCode(work->status) != TF_OK) {
    napi_reject_deferred(env, work->promise, Error(env, work->status));
  } else {
    napi_value result;
    napi_get_undefined(env, &result);
    if (work->output != nullptr) {
      void *backend = nullptr;
      napi_get_instance_data(env, &backend);
      result = (static_cast<TFJSBackend *>(backend)->*Revealed(DescribeKey{}))(env, work->output);
      work->output = nullptr;  // The backend's now.
    }
    napi_resolve_deferred(env, work->promise, result);
  }
  delete work;
}

// @returns the promise; takes over the work
napi_value Start(napi_env env, std::unique_ptr<Work> work) {
  napi_value promise, name;
  Check(napi_create_promise(env, &work->promise, &promise), "no promise could be made");
  Check(napi_create_string_utf8(env, "TensorFlow", NAPI_AUTO_LENGTH, &name), "no name could be made");
  Check(napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, work.get(), Finish,
                                        &work->report),
        "no thread could be heard");
  Work *started = work.get();
  try {
    started->thread = std::thread([started] {
      started->run(*started);
      napi_call_threadsafe_function(started->report, nullptr, napi_tsfn_nonblocking);
    });
  } catch (...) {
    napi_release_threadsafe_function(work->report, napi_tsfn_abort);
    throw;
  }
  under_way.insert(work.release());
  return promise;
}

// The functions that JavaScript sees

// executeOpAsync(name, attributes, ids): Promise<{id, dtype, shape}>, as executeOp for operations of one output. An error's
// `code` is TensorFlow's number.
napi_value ExecuteOpAsync(napi_env env, const std::vector<napi_value> &values) {
  auto &handles = Backend(env)->*Revealed(HandlesKey{});
  auto work = std::make_unique<Work>();
  const auto check = [&] {
    if (TF_GetCode(work->status) != TF_OK) throw Failure{TF_Message(work->status)};
  };
  work->operation = TFE_NewOp(loop_diffusion_eager_context(), ReadString(env, values[0]).c_str(), work->status);
  check();
  for (napi_value id : ReadArray(env, values[2])) {
    const auto input = handles.find(static_cast<int32_t>(ReadInteger(env, id)));
    if (input == handles.end()) throw Failure{"an input has been disposed of"};
    TFE_OpAddInput(work->operation, input->second, work->status);
    check();
  }
  for (napi_value attribute : ReadArray(env, values[1])) {
    AssignOpAttr(env, work->operation, attribute);
    if (IsExceptionPending(env)) return nullptr;
  }
  work->run = [](Work &own) {
    int count = 1;
    TFE_Execute(own.operation, &own.output, &count, own.status);
  };
  return Start(env, std::move(work));
}

// checkPeer(task, milliseconds): Promise<void>, which is rejected where the task does not answer.
napi_value CheckPeer(napi_env env, const std::vector<napi_value> &values) {
  auto work = std::make_unique<Work>();
  work->run = [context = loop_diffusion_eager_context(), task = ReadString(env, values[0]),
               time = ReadInteger(env, values[1])](Work &own) {
    TFE_CollectiveOpsCheckPeerHealth(context, task.c_str(), time, own.status);
  };
  return Start(env, std::move(work));
}

// abortCollectives(code, message): void. Those under way end with this error, and so do all later ones.
napi_value AbortCollectives(napi_env env, const std::vector<napi_value> &values) {
  Abort(static_cast<TF_Code>(ReadInteger(env, values[0])), ReadString(env, values[1]).c_str());
  return nullptr;
}

// joinProblem(): string | undefined
napi_value TellJoinProblem(napi_env env, const std::vector<napi_value> &) {
  if (JoinProblem() == nullptr) return nullptr;
  napi_value text;
  Check(napi_create_string_utf8(env, JoinProblem(), NAPI_AUTO_LENGTH, &text), "no string could be made");
  return text;
}

template <napi_value (*Call)(napi_env, const std::vector<napi_value> &), size_t Count>
napi_value Wrap(napi_env env, napi_callback_info info) {
  std::string problem;
  try {
    size_t count = Count;
    std::vector<napi_value> values(Count + 1);
    Check(napi_get_cb_info(env, info, &count, values.data(), nullptr, nullptr), "arguments were expected");
    if (count != Count) throw Failure{"wrong number of arguments"};
    return Call(env, values);
  } catch (const Failure &failure) {
    problem = failure.message;
  } catch (const std::exception &exception) {  // std::bad_alloc, std::system_error
    problem = exception.what();
  }
  if (!IsExceptionPending(env)) napi_throw_error(env, nullptr, problem.c_str());
  return nullptr;
}

}  // namespace
}  // namespace tfnodejs

extern "C" {

napi_status __real_napi_define_properties(napi_env env, napi_value object, size_t count,
                                          const napi_property_descriptor *properties);

// The addon defines its functions in one call, and each of its constants in a call of its own.
napi_status __wrap_napi_define_properties(napi_env env, napi_value object, size_t count,
                                          const napi_property_descriptor *properties) {
  const napi_status status = __real_napi_define_properties(env, object, count, properties);
  if (status != napi_ok || count == 1) return status;
  const auto method = [](const char *name, napi_callback call) {
    return napi_property_descriptor{name, nullptr, call, nullptr, nullptr, nullptr, napi_default, nullptr};
  };
  using namespace tfnodejs;
  const napi_property_descriptor methods[] = {
      method("executeOpAsync", Wrap<ExecuteOpAsync, 3>),
      method("checkPeer", Wrap<CheckPeer, 2>),
      method("abortCollectives", Wrap<AbortCollectives, 2>),
      method("joinProblem", Wrap<TellJoinProblem, 0>),
  };
  napi_add_env_cleanup_hook(env, EndAll, env);
  return __real_napi_define_properties(env, object, sizeof(methods) / sizeof(methods[0]), methods);
}

}  // extern "C"
