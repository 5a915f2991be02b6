// Graph functions: builds TensorFlow graphs operation by operation, tells the shapes that TensorFlow infers, and registers
// a graph as a function with the eager context of tfjs-node's addon, which then runs it as one operation by its name.

#include <dlfcn.h>
#include <node_api.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"
#include "tensorflow/c/tf_tensor.h"

namespace {

// Anything that goes wrong, with a message for the JavaScript error.
struct Failure {
  std::string message;
};

void Check(napi_status status, const char *what) {
  if (status != napi_ok) throw Failure{what};
}

class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  Status(const Status &) = delete;
  Status &operator=(const Status &) = delete;
  operator TF_Status *() const { return status_; }
  void Check(const std::string &what) const {
    if (TF_GetCode(status_) != TF_OK) throw Failure{what + ": " + TF_Message(status_)};
  }

 private:
  TF_Status *status_;
};

// Those that are not freed yet, of all threads.
std::atomic<int64_t> live_graphs{0};
std::atomic<int64_t> live_functions{0};

// What a handle stands for.
struct Object {
  virtual ~Object() = default;
  // What V8 has been told of the object's size, so that forgotten handles are collected before memory runs out.
  int64_t told = 0;
};

struct Graph : Object {
  TF_Graph *graph = TF_NewGraph();
  std::vector<TF_Operation *> operations;
  Graph() { live_graphs++; }
  ~Graph() override {
    TF_DeleteGraph(graph);
    live_graphs--;
  }
};

struct Function : Object {
  TF_Function *function;
  explicit Function(TF_Function *made) : function(made) { live_functions++; }
  ~Function() override {
    TF_DeleteFunction(function);
    live_functions--;
  }
};

// TensorFlow does not tell sizes: about what a node takes with its name, its attributes and its inferred shapes.
constexpr int64_t kBytesPerOperation = 4096;

void Tell(napi_env env, Object &object, int64_t bytes) {
  int64_t total = 0;
  napi_adjust_external_memory(env, bytes, &total);
  object.told += bytes;
}

// Reading JavaScript values

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

double ReadNumber(napi_env env, napi_value value) {
  double number = 0;
  Check(napi_get_value_double(env, value, &number), "a number was expected");
  return number;
}

bool ReadBool(napi_env env, napi_value value) {
  bool flag = false;
  Check(napi_get_value_bool(env, value, &flag), "a boolean was expected");
  return flag;
}

bool IsArray(napi_env env, napi_value value) {
  bool is_array = false;
  Check(napi_is_array(env, value, &is_array), "a value was expected");
  return is_array;
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

std::vector<int64_t> ReadIntegers(napi_env env, napi_value value) {
  std::vector<int64_t> numbers;
  for (napi_value element : ReadArray(env, value)) numbers.push_back(ReadInteger(env, element));
  return numbers;
}

napi_value Property(napi_env env, napi_value object, const char *name) {
  napi_value value;
  Check(napi_get_named_property(env, object, name, &value), name);
  return value;
}

// The object behind a handle is freed by release(), or with the handle.
using Handle = std::unique_ptr<Object>;

void Free(napi_env env, Handle &handle) {
  if (handle == nullptr) return;
  Tell(env, *handle, -handle->told);
  handle.reset();
}

Handle &ReadHandle(napi_env env, napi_value value) {
  void *data = nullptr;
  Check(napi_get_value_external(env, value, &data), "a handle was expected");
  return *static_cast<Handle *>(data);
}

template <typename T>
T &ReadExternal(napi_env env, napi_value value) {
  auto *object = dynamic_cast<T *>(ReadHandle(env, value).get());
  if (object == nullptr) throw Failure{"the handle has been released, or is of another kind"};
  return *object;
}

napi_value NewExternal(napi_env env, std::unique_ptr<Object> object, int64_t bytes) {
  auto handle = std::make_unique<Handle>(std::move(object));
  const auto finalize = [](napi_env env, void *data, void *) {
    Free(env, *static_cast<Handle *>(data));
    delete static_cast<Handle *>(data);
  };
  napi_value value;
  Check(napi_create_external(env, handle.get(), finalize, nullptr, &value), "no handle could be made");
  Tell(env, **handle.release(), bytes);
  return value;
}

// One [operation, output] pair.
TF_Output ReadOutput(napi_env env, const Graph &graph, napi_value value) {
  const std::vector<int64_t> pair = ReadIntegers(env, value);
  if (pair.size() != 2 || pair[0] < 0 || pair[0] >= static_cast<int64_t>(graph.operations.size())) {
    throw Failure{"an [operation, output] pair of this graph was expected"};
  }
  TF_Operation *operation = graph.operations[pair[0]];
  if (pair[1] < 0 || pair[1] >= TF_OperationNumOutputs(operation)) {
    throw Failure{std::string(TF_OperationOpType(operation)) + " has no output " + std::to_string(pair[1])};
  }
  return {operation, static_cast<int>(pair[1])};
}

std::vector<TF_Output> ReadOutputs(napi_env env, const Graph &graph, napi_value value) {
  std::vector<TF_Output> outputs;
  for (napi_value element : ReadArray(env, value)) outputs.push_back(ReadOutput(env, graph, element));
  return outputs;
}

// {dtype, shape, values: typed array} → a constant's value.
void SetTensor(napi_env env, TF_OperationDescription *description, const char *name, napi_value value) {
  const auto dtype = static_cast<TF_DataType>(ReadInteger(env, Property(env, value, "dtype")));
  const std::vector<int64_t> shape = ReadIntegers(env, Property(env, value, "shape"));
  napi_typedarray_type type;
  size_t length = 0;
  void *data = nullptr;
  Check(napi_get_typedarray_info(env, Property(env, value, "values"), &type, &length, &data, nullptr, nullptr),
        "a typed array was expected");
  int64_t count = 1;
  for (int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(count, size, &count)) throw Failure{"a constant's shape is none"};
  }
  const size_t element = TF_DataTypeSize(dtype);
  const size_t width = type == napi_uint8_array ? 1 : type == napi_float32_array || type == napi_int32_array ? 4 : 0;
  if (width != element || static_cast<int64_t>(length) != count) {
    throw Failure{"a constant's values do not fit its shape and type"};
  }
  TF_Tensor *tensor = TF_AllocateTensor(dtype, shape.data(), static_cast<int>(shape.size()), length * width);
  if (length > 0) std::memcpy(TF_TensorData(tensor), data, length * width);
  Status status;
  TF_SetAttrTensor(description, name, tensor, status);
  TF_DeleteTensor(tensor);
  status.Check(name);
}

// {name, type: TF_AttrType, value}, as tfjs-node writes attributes.
void SetAttribute(napi_env env, TF_OperationDescription *description, napi_value attribute) {
  const std::string name = ReadString(env, Property(env, attribute, "name"));
  const int64_t type = ReadInteger(env, Property(env, attribute, "type"));
  napi_value value = Property(env, attribute, "value");
  const bool is_list = IsArray(env, value);
  switch (type) {
    case TF_ATTR_STRING: {
      const std::string text = ReadString(env, value);
      TF_SetAttrString(description, name.c_str(), text.data(), text.size());
      return;
    }
    case TF_ATTR_INT:
      if (is_list) {
        const std::vector<int64_t> numbers = ReadIntegers(env, value);
        TF_SetAttrIntList(description, name.c_str(), numbers.data(), static_cast<int>(numbers.size()));
      } else {
        TF_SetAttrInt(description, name.c_str(), ReadInteger(env, value));
      }
      return;
    case TF_ATTR_FLOAT:
      TF_SetAttrFloat(description, name.c_str(), static_cast<float>(ReadNumber(env, value)));
      return;
    case TF_ATTR_BOOL:
      TF_SetAttrBool(description, name.c_str(), ReadBool(env, value) ? 1 : 0);
      return;
    case TF_ATTR_TYPE:
      if (is_list) {
        std::vector<TF_DataType> types;
        for (int64_t number : ReadIntegers(env, value)) types.push_back(static_cast<TF_DataType>(number));
        TF_SetAttrTypeList(description, name.c_str(), types.data(), static_cast<int>(types.size()));
      } else {
        TF_SetAttrType(description, name.c_str(), static_cast<TF_DataType>(ReadInteger(env, value)));
      }
      return;
    case TF_ATTR_SHAPE: {
      const std::vector<int64_t> shape = ReadIntegers(env, value);
      TF_SetAttrShape(description, name.c_str(), shape.data(), static_cast<int>(shape.size()));
      return;
    }
    case TF_ATTR_TENSOR:
      SetTensor(env, description, name.c_str(), value);
      return;
    case TF_ATTR_FUNC: {
      const std::string function = ReadString(env, value);
      TF_SetAttrFuncName(description, name.c_str(), function.data(), function.size());
      return;
    }
    default:
      throw Failure{"attribute " + name + " has an unknown type"};
  }
}

// {dtype, shape} of an operation's output.
napi_value DescribeOutput(napi_env env, const Graph &graph, TF_Output output) {
  Status status;
  const int rank = TF_GraphGetTensorNumDims(graph.graph, output, status);
  status.Check("shape");
  std::vector<int64_t> shape(rank < 0 ? 0 : rank);
  if (rank > 0) TF_GraphGetTensorShape(graph.graph, output, shape.data(), rank, status);
  status.Check("shape");
  napi_value result, dtype, dimensions;
  Check(napi_create_object(env, &result), "object");
  Check(napi_create_int32(env, TF_OperationOutputType(output), &dtype), "dtype");
  if (rank < 0) {
    Check(napi_get_null(env, &dimensions), "shape");
  } else {
    Check(napi_create_array_with_length(env, shape.size(), &dimensions), "shape");
  }
  for (size_t i = 0; i < shape.size(); i++) {
    napi_value size;
    Check(napi_create_int64(env, shape[i], &size), "shape");
    Check(napi_set_element(env, dimensions, i, size), "shape");
  }
  Check(napi_set_named_property(env, result, "dtype", dtype), "dtype");
  Check(napi_set_named_property(env, result, "shape", dimensions), "shape");
  return result;
}

// The functions that JavaScript sees

TFE_Context *Context(const std::string &addon) {
  void *library = dlopen(addon.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) throw Failure{"tfjs-node's addon is not loaded"};
  auto *context = reinterpret_cast<TFE_Context *(*)()>(dlsym(library, "loop_diffusion_eager_context"));
  dlclose(library);
  if (context == nullptr || context() == nullptr) throw Failure{"tfjs-node's addon has no context on this thread"};
  return context();
}

// newGraph(): Graph
napi_value NewGraph(napi_env env, const std::vector<napi_value> &) {
  return NewExternal(env, std::make_unique<Graph>(), kBytesPerOperation);
}

// addOperation(graph, type, attributes, inputs, after): {dtype, shape}[]. An input is an [operation, output] pair, or an
// array of such pairs where the operation takes a list; `after` are operations that must be done before this one begins.
// Operations are numbered in the order they are added.
napi_value AddOperation(napi_env env, const std::vector<napi_value> &values) {
  Graph &graph = ReadExternal<Graph>(env, values[0]);
  const std::string type = ReadString(env, values[1]);
  const std::string name = "n" + std::to_string(graph.operations.size());
  // Read before the description is begun, which nothing but finishing frees.
  std::vector<std::pair<bool, std::vector<TF_Output>>> inputs;
  for (napi_value input : ReadArray(env, values[3])) {
    const std::vector<napi_value> elements = ReadArray(env, input);
    const bool is_list = elements.empty() || IsArray(env, elements[0]);
    inputs.emplace_back(is_list, is_list ? ReadOutputs(env, graph, input)
                                         : std::vector<TF_Output>{ReadOutput(env, graph, input)});
  }
  std::vector<TF_Operation *> after;
  for (int64_t operation : ReadIntegers(env, values[4])) {
    if (operation < 0 || operation >= static_cast<int64_t>(graph.operations.size())) {
      throw Failure{"an operation of this graph was expected"};
    }
    after.push_back(graph.operations[operation]);
  }
  TF_OperationDescription *description = TF_NewOperation(graph.graph, type.c_str(), name.c_str());
  Status status;
  try {
    for (const auto &[is_list, outputs] : inputs) {
      if (is_list) {
        TF_AddInputList(description, outputs.data(), static_cast<int>(outputs.size()));
      } else {
        TF_AddInput(description, outputs[0]);
      }
    }
    for (napi_value attribute : ReadArray(env, values[2])) SetAttribute(env, description, attribute);
    for (TF_Operation *operation : after) TF_AddControlInput(description, operation);
  } catch (...) {
    TF_FinishOperation(description, status);
    throw;
  }
  TF_Operation *operation = TF_FinishOperation(description, status);
  status.Check(type);
  graph.operations.push_back(operation);
  Tell(env, graph, kBytesPerOperation);

  napi_value result;
  const int count = TF_OperationNumOutputs(operation);
  Check(napi_create_array_with_length(env, count, &result), "outputs");
  for (int i = 0; i < count; i++) {
    Check(napi_set_element(env, result, i, DescribeOutput(env, graph, {operation, i})), "outputs");
  }
  return result;
}

// defineFunction(addon, graph, name, inputs, outputs, attributes): Function. Attributes are [name, serialized AttrValue].
napi_value DefineFunction(napi_env env, const std::vector<napi_value> &values) {
  TFE_Context *context = Context(ReadString(env, values[0]));
  Graph &graph = ReadExternal<Graph>(env, values[1]);
  const std::string name = ReadString(env, values[2]);
  const std::vector<TF_Output> inputs = ReadOutputs(env, graph, values[3]);
  const std::vector<TF_Output> outputs = ReadOutputs(env, graph, values[4]);
  Status status;
  TF_Function *made = TF_GraphToFunction(graph.graph, name.c_str(), 0, -1, nullptr, static_cast<int>(inputs.size()),
                                         inputs.data(), static_cast<int>(outputs.size()), outputs.data(), nullptr,
                                         nullptr, nullptr, status);
  status.Check(name);
  auto function = std::make_unique<Function>(made);
  for (napi_value attribute : ReadArray(env, values[5])) {
    const std::vector<napi_value> pair = ReadArray(env, attribute);
    if (pair.size() != 2) throw Failure{"a [name, value] pair was expected"};
    const std::string key = ReadString(env, pair[0]);
    void *data = nullptr;
    size_t length = 0;
    Check(napi_get_typedarray_info(env, pair[1], nullptr, &length, &data, nullptr, nullptr), "bytes were expected");
    TF_FunctionSetAttrValueProto(function->function, key.c_str(), data, length, status);
    status.Check(key);
  }
  TFE_ContextAddFunction(context, function->function, status);
  status.Check(name);
  return NewExternal(env, std::move(function), kBytesPerOperation * static_cast<int64_t>(graph.operations.size()));
}

// importFunction(graph, function): void. Lets operations of the graph call the function.
napi_value ImportFunction(napi_env env, const std::vector<napi_value> &values) {
  Graph &graph = ReadExternal<Graph>(env, values[0]);
  Status status;
  TF_GraphCopyFunction(graph.graph, ReadExternal<Function>(env, values[1]).function, nullptr, status);
  status.Check("importFunction");
  return nullptr;
}

// removeFunction(addon, name): void
napi_value RemoveFunction(napi_env env, const std::vector<napi_value> &values) {
  Status status;
  TFE_ContextRemoveFunction(Context(ReadString(env, values[0])), ReadString(env, values[1]).c_str(), status);
  status.Check("removeFunction");
  return nullptr;
}

// release(handle): void
napi_value Release(napi_env env, const std::vector<napi_value> &values) {
  Free(env, ReadHandle(env, values[0]));
  return nullptr;
}

// countObjects(): {graphs, functions}
napi_value CountObjects(napi_env env, const std::vector<napi_value> &) {
  napi_value result, graphs, functions;
  Check(napi_create_object(env, &result), "object");
  Check(napi_create_int64(env, live_graphs, &graphs), "graphs");
  Check(napi_create_int64(env, live_functions, &functions), "functions");
  Check(napi_set_named_property(env, result, "graphs", graphs), "graphs");
  Check(napi_set_named_property(env, result, "functions", functions), "functions");
  return result;
}

void ThrowError(napi_env env, const char *message) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_error(env, nullptr, message);
}

template <napi_value (*Call)(napi_env, const std::vector<napi_value> &), size_t Count>
napi_value Wrap(napi_env env, napi_callback_info info) {
  try {
    size_t count = Count;
    std::vector<napi_value> values(Count + 1);
    Check(napi_get_cb_info(env, info, &count, values.data(), nullptr, nullptr), "arguments");
    if (count != Count) throw Failure{"wrong number of arguments"};
    return Call(env, values);
  } catch (const Failure &failure) {
    ThrowError(env, failure.message.c_str());
  } catch (const std::exception &problem) {  // std::bad_alloc, std::length_error: an error in JavaScript, not the process's end
    ThrowError(env, problem.what());
  }
  return nullptr;
}

napi_value Initialize(napi_env env, napi_value exports) {
  const auto method = [](const char *name, napi_callback call) {
    return napi_property_descriptor{name, nullptr, call, nullptr, nullptr, nullptr, napi_default, nullptr};
  };
  const napi_property_descriptor methods[] = {
      method("newGraph", Wrap<NewGraph, 0>),
      method("addOperation", Wrap<AddOperation, 5>),
      method("defineFunction", Wrap<DefineFunction, 6>),
      method("importFunction", Wrap<ImportFunction, 2>),
      method("removeFunction", Wrap<RemoveFunction, 2>),
      method("release", Wrap<Release, 1>),
      method("countObjects", Wrap<CountObjects, 0>),
  };
  napi_define_properties(env, exports, sizeof(methods) / sizeof(methods[0]), methods);
  return exports;
}

}  // namespace

NAPI_MODULE(functions, Initialize)
