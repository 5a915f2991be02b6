#include "registration.h"

#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

namespace loop {
namespace {

int64_t ElementCount(const Shape &shape) {
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(count, size, &count)) throw Invalid{"The result would be too large: " + Text(shape)};
  }
  return count;
}

template <typename Object>
using Owned = std::unique_ptr<Object, void (*)(Object *)>;

Owned<TF_Status> NewStatus() { return {TF_NewStatus(), TF_DeleteStatus}; }

void ThrowUnlessOk(const TF_Status *status) {
  const TF_Code code = TF_GetCode(status);
  if (code == TF_OK) return;
  if (code == TF_RESOURCE_EXHAUSTED) throw std::bad_alloc();
  throw std::runtime_error(TF_Message(status));
}

// Runs it, and says in the status what it throws.
template <typename Body>
void Catch(const Operation &operation, TF_Status *status, const Body &body) {
  const auto fail = [&](TF_Code code, const std::string &message) {
    TF_SetStatus(status, code, (std::string(operation.name) + ": " + message).c_str());
  };
  try {
    body();
  } catch (const Invalid &invalid) {
    fail(TF_INVALID_ARGUMENT, invalid.message);
  } catch (const std::bad_alloc &) {
    fail(TF_RESOURCE_EXHAUSTED, "There is not enough memory.");
  } catch (const std::exception &problem) {
    fail(TF_INTERNAL, problem.what());
  } catch (...) {
    fail(TF_UNKNOWN, "It failed for an unknown reason.");
  }
}

// ---- shapes

// The shape of an input while a graph is built; false where a part of it is unknown.
bool ReadShape(TF_ShapeInferenceContext *context, int input, Shape *shape) {
  const auto status = NewStatus();
  const Owned<TF_ShapeHandle> handle{TF_NewShapeHandle(), TF_DeleteShapeHandle};
  TF_ShapeInferenceContextGetInput(context, input, handle.get(), status.get());
  ThrowUnlessOk(status.get());
  if (TF_ShapeInferenceContextRankKnown(context, handle.get()) == 0) return false;
  const int64_t rank = TF_ShapeInferenceContextRank(context, handle.get());
  for (int64_t i = 0; i < rank; i++) {
    const Owned<TF_DimensionHandle> size{TF_NewDimensionHandle(), TF_DeleteDimensionHandle};
    TF_ShapeInferenceContextDim(context, handle.get(), i, size.get());
    if (TF_DimensionHandleValueKnown(size.get()) == 0) return false;
    shape->push_back(TF_DimensionHandleValue(size.get()));
  }
  return true;
}

void SetOutputShape(TF_ShapeInferenceContext *context, int output, const Shape &shape) {
  const auto status = NewStatus();
  Owned<TF_ShapeHandle> whole{TF_ShapeInferenceContextScalar(context), TF_DeleteShapeHandle};
  for (const int64_t size : shape) {
    const Owned<TF_ShapeHandle> next{TF_ShapeInferenceContextVectorFromSize(context, size), TF_DeleteShapeHandle};
    Owned<TF_ShapeHandle> longer{TF_NewShapeHandle(), TF_DeleteShapeHandle};
    TF_ShapeInferenceContextConcatenateShapes(context, whole.get(), next.get(), longer.get(), status.get());
    ThrowUnlessOk(status.get());
    whole = std::move(longer);
  }
  TF_ShapeInferenceContextSetOutput(context, output, whole.get(), status.get());
  ThrowUnlessOk(status.get());
}

// ---- computing

void *CreateKernel(TF_OpKernelConstruction *context) {
  const auto status = NewStatus();
  auto *attributes = new (std::nothrow) Attributes;
  if (attributes == nullptr) return nullptr;
  const auto read_bool = [&](const char *name, bool *value) {
    if (!TF_OpKernelConstruction_HasAttr(context, name, status.get())) return;
    TF_Bool flag = 0;
    TF_OpKernelConstruction_GetAttrBool(context, name, &flag, status.get());
    *value = flag != 0;
  };
  read_bool("alone", &attributes->alone);
  read_bool("round", &attributes->round);
  read_bool("silu", &attributes->silu);
  if (TF_OpKernelConstruction_HasAttr(context, "epsilon", status.get())) {
    TF_OpKernelConstruction_GetAttrFloat(context, "epsilon", &attributes->epsilon, status.get());
  }
  return attributes;
}

void DeleteKernel(void *kernel) { delete static_cast<Attributes *>(kernel); }

Owned<TF_Tensor> ReadInput(TF_OpKernelContext *context, int input) {
  const auto status = NewStatus();
  TF_Tensor *tensor = nullptr;
  TF_GetInput(context, input, &tensor, status.get());
  ThrowUnlessOk(status.get());
  return {tensor, TF_DeleteTensor};
}

Shape ShapeOf(const TF_Tensor *tensor) {
  Shape shape;
  for (int i = 0; i < TF_NumDims(tensor); i++) shape.push_back(TF_Dim(tensor, i));
  return shape;
}

Owned<TF_Tensor> AllocateOutput(TF_OpKernelContext *context, int output, const Shape &shape) {
  const auto status = NewStatus();
  const size_t bytes = sizeof(float) * static_cast<size_t>(ElementCount(shape));
  TF_Tensor *tensor =
      TF_AllocateOutput(context, output, TF_FLOAT, shape.data(), static_cast<int>(shape.size()), bytes, status.get());
  ThrowUnlessOk(status.get());
  return {tensor, TF_DeleteTensor};
}

// The numbers of a tensor; null where it has none.
float *NumbersOf(const TF_Tensor *tensor) {
  return TF_TensorByteSize(tensor) == 0 ? nullptr : static_cast<float *>(TF_TensorData(tensor));
}

void Compute(const Operation &operation, const Attributes &attributes, TF_OpKernelContext *context) {
  std::vector<Owned<TF_Tensor>> tensors;
  std::vector<Shape> shapes;
  std::vector<const float *> inputs;
  for (size_t i = 0; i < operation.inputs.size(); i++) {
    tensors.push_back(ReadInput(context, static_cast<int>(i)));
    shapes.push_back(ShapeOf(tensors.back().get()));
    inputs.push_back(NumbersOf(tensors.back().get()));
  }
  const InputShapes input_shapes(operation, std::move(shapes));
  std::vector<float *> outputs;
  bool all_empty = true;
  for (const Shape &shape : operation.infer(input_shapes)) {
    tensors.push_back(AllocateOutput(context, static_cast<int>(outputs.size()), shape));
    outputs.push_back(NumbersOf(tensors.back().get()));
    all_empty = all_empty && outputs.back() == nullptr;
  }
  if (all_empty) return;
  if (operation.summed >= 0 && inputs[operation.summed] == nullptr) {
    for (size_t i = operation.inputs.size(); i < tensors.size(); i++) {
      const size_t bytes = TF_TensorByteSize(tensors[i].get());
      if (bytes > 0) std::memset(TF_TensorData(tensors[i].get()), 0, bytes);
    }
    return;
  }
  operation.compute(Call(input_shapes, std::move(inputs), std::move(outputs), attributes));
}

// ---- registering

// A process may have the operations of several instruction sets, each under names of its own.
std::string RegisteredName(const Operation &operation) { return std::string(operation.name) + LOOP_INSTRUCTION_SET; }

std::vector<std::string> &Names() {
  static auto *names = new std::vector<std::string>;
  return *names;
}

bool IsRegistered(const std::string &name) {
  const auto status = NewStatus();
  const Owned<TF_Buffer> kernels{TF_GetRegisteredKernelsForOp(name.c_str(), status.get()), TF_DeleteBuffer};
  return kernels != nullptr && kernels->length > 0;
}

}  // namespace

const std::vector<std::string> &RegisteredOperations() { return Names(); }

void InferWith(const Operation &operation, TF_ShapeInferenceContext *context, TF_Status *status) {
  Catch(operation, status, [&] {
    std::vector<Shape> shapes(operation.inputs.size());
    for (size_t i = 0; i < shapes.size(); i++) {
      if (ReadShape(context, static_cast<int>(i), &shapes[i])) continue;
      const auto unknown = NewStatus();
      TF_ShapeInferenceContextSetUnknownShape(context, unknown.get());
      ThrowUnlessOk(unknown.get());
      return;
    }
    int output = 0;
    for (const Shape &shape : operation.infer(InputShapes(operation, std::move(shapes)))) {
      SetOutputShape(context, output++, shape);
    }
  });
}

void ComputeWith(const Operation &operation, void *kernel, TF_OpKernelContext *context) {
  const auto status = NewStatus();
  Catch(operation, status.get(), [&] {
    if (kernel == nullptr) throw std::bad_alloc();
    Compute(operation, *static_cast<Attributes *>(kernel), context);
  });
  if (TF_GetCode(status.get()) != TF_OK) TF_OpKernelContext_Failure(context, status.get());
}

void RegisterWith(const Operation &operation, const TensorflowFunctions &functions) {
  const std::string name = RegisteredName(operation);
  Names().push_back(operation.name);
  // A second definition of a name would end the process.
  if (IsRegistered(name)) return;
  const auto status = NewStatus();
  TF_OpDefinitionBuilder *definition = TF_NewOpDefinitionBuilder(name.c_str());
  for (const char *input : operation.inputs) {
    TF_OpDefinitionBuilderAddInput(definition, (std::string(input) + ": float").c_str());
  }
  for (const char *output : operation.outputs) {
    TF_OpDefinitionBuilderAddOutput(definition, (std::string(output) + ": float").c_str());
  }
  TF_OpDefinitionBuilderAddAttr(definition, "alone: bool");
  TF_OpDefinitionBuilderAddAttr(definition, "round: bool");
  for (const char *attribute : operation.attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, functions.infer);
  TF_RegisterOpDefinition(definition, status.get());
  ThrowUnlessOk(status.get());
  TF_KernelBuilder *kernel = TF_NewKernelBuilder(name.c_str(), "CPU", CreateKernel, functions.compute, DeleteKernel);
  TF_RegisterKernelBuilder(name.c_str(), kernel, status.get());
  ThrowUnlessOk(status.get());
}

}  // namespace loop
