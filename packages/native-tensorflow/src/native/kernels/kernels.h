// What the kernels compute. All tensors are float32, whole and row by row, channels last; a null pointer stands for one that is
// not there. The order of every sum follows from the layer's shape alone: the same row has the same bits whatever the batch,
// the threads and the other rows. Each is explained where it is defined.
#pragma once

namespace loop {

// How a kernel may run; the same for each.
struct Execution {
  // On the calling thread only, for parts of a graph that run side by side.
  bool alone = false;
  // The operands of products are rounded to bfloat16 (bfloat16.h); sums, tensors and all else stay float32. Only where
  // HasBfloat16().
  bool bfloat16 = false;
};

// Whether these kernels are compiled for an instruction set that has products of bfloat16.
bool HasBfloat16();

// ---- linear.cc

// y[rows × outputs] = x[rows × inputs] · weight + bias + add
struct Linear {
  long rows, inputs, outputs;
  const float *x;
  // [outputs × inputs], or [inputs × outputs] where `inputs_first`.
  const float *weight;
  bool inputs_first;
  const float *bias;  // [outputs]
  const float *add;   // [rows × outputs]
  float *y;
};
void ComputeLinear(const Linear &, Execution);

// y[rows × outputs] = value · gelu(gate), [value | gate] = x · weightᵀ + bias
struct GatedLinear {
  long rows, inputs, outputs;
  const float *x;
  const float *weight;  // [2 outputs × inputs]
  const float *bias;    // [2 outputs]
  float *y;
};
void ComputeGatedLinear(const GatedLinear &, Execution);

// gradient[outputs × inputs] = dyᵀ · x
struct LinearWeightGradient {
  long rows, inputs, outputs;
  const float *dy;  // [rows × outputs]
  const float *x;   // [rows × inputs]
  float *gradient;
};
void ComputeLinearWeightGradient(const LinearWeightGradient &, Execution);

// ---- convolution.cc, winograd.cc, convolution_gradients.cc

// The windows of a square convolution over an image that is first enlarged (each pixel repeated) and then framed by zeros.
struct Windows {
  long batch, height, width, channels;  // of the image as it lies in memory
  long enlargement;                     // 1 or 2
  long size, stride;                    // of a window: 1 or 3; 1 or 2
  long top, left;                       // rows and columns of zeros before the image; after it there are as many as are reached
  long out_height, out_width;
};

// y[batch, out_height, out_width, outputs] = convolution + bias + add
struct Convolution {
  Windows windows;
  long outputs;
  const float *x;
  const float *kernel;  // [size, size, channels, outputs]
  const float *bias;    // [outputs]
  const float *add;     // the shape of y
  float *y;
};
void ComputeConvolution(const Convolution &, Execution);

// dx, the shape of the image as it lies in memory; enlargement 1 only.
struct ConvolutionInputGradient {
  Windows windows;
  long outputs;
  const float *dy;
  const float *kernel;
  float *dx;
};
void ComputeConvolutionInputGradient(const ConvolutionInputGradient &, Execution);

// gradient[size, size, channels, outputs]; enlargement 1 only.
struct ConvolutionKernelGradient {
  Windows windows;
  long outputs;
  const float *dy;
  const float *x;
  float *gradient;
};
void ComputeConvolutionKernelGradient(const ConvolutionKernelGradient &, Execution);

// ---- attention.cc, attention_gradient.cc

// Head h of a row is columns h · width … (h + 1) · width from where the pointer points; rows are `stride` apart.
struct HeadRows {
  const float *at;
  long stride;
};
// y = softmax(query keyᵀ) value for each image and head, the queries already scaled.
struct Attention {
  long batch, heads, width, tokens, context;
  HeadRows query;       // batch · tokens rows
  HeadRows key, value;  // batch · context rows
  float *y;             // [batch · tokens × heads · width]
  float *log_sums;      // [batch · tokens × heads]: ln Σ exp(score)
};
void ComputeAttention(const Attention &, Execution);

struct AttentionGradient {
  long batch, heads, width, tokens, context;
  HeadRows query, key, value;
  const float *y, *log_sums, *dy;
  // Rows `…_stride` apart, heads as above.
  float *d_query, *d_key, *d_value;
  long d_query_stride, d_context_stride;
};
void ComputeAttentionGradient(const AttentionGradient &, Execution);

// ---- group_norm.cc, layer_norm.cc

// y = weight (x + offset − mean) / √(variance + ε) + bias over each image's groups of channels; then SiLU where asked.
struct GroupNorm {
  long batch, pixels, channels, groups;
  float epsilon;
  bool silu;
  const float *x;
  const float *weight, *bias;  // [channels]
  const float *offset;         // [batch × channels], or [1 × channels] where `shared_offset`
  bool shared_offset;
  float *y;
  float *statistics;  // [batch × groups × 2]: mean and 1 / √(variance + ε)
};
void ComputeGroupNorm(const GroupNorm &, Execution);

struct GroupNormGradient {
  GroupNorm forward;  // its y is not used, its statistics are read
  const float *dy;
  float *dx;
  float *d_weight, *d_bias;  // [channels]
  float *d_offset;           // the shape of the offset; null without one
};
void ComputeGroupNormGradient(const GroupNormGradient &, Execution);

// y = weight (x − mean) / √(variance + ε) + bias over each row
struct LayerNorm {
  long rows, channels;
  float epsilon;
  const float *x;
  const float *weight, *bias;  // [channels]
  float *y;
};
void ComputeLayerNorm(const LayerNorm &, Execution);

struct LayerNormGradient {
  LayerNorm forward;  // bias and y are not used
  const float *dy;
  // Each null where it is not wanted.
  float *dx;
  float *d_weight, *d_bias;  // [channels]
};
void ComputeLayerNormGradient(const LayerNormGradient &, Execution);

// ---- gate.cc

// y[rows × columns] = value · gelu(gate) of x[rows × 2 columns] = [value | gate]
struct Gate {
  long rows, columns;
  const float *x;
  float *y;
};
void ComputeGate(const Gate &, Execution);

struct GateGradient {
  long rows, columns;
  const float *x;
  const float *dy;
  float *dx;  // [rows × 2 columns]
};
void ComputeGateGradient(const GateGradient &, Execution);

}  // namespace loop
