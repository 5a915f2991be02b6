#include "families.h"
#include "registration.h"

namespace loop {
namespace {

// ---- LoopAttention(queries, keys_and_values?, sizes [0, batch, heads]) → y [rows, channels], log_sums [rows, heads]
//
// The rows of all images follow each other. Queries, keys and values lie beside each other in a row:
//
//   of themselves    queries [batch · tokens, 3 channels] = queries | keys | values
//   of a context     queries [batch · tokens, channels], keys_and_values [batch · context, 2 channels] = keys | values

struct AttentionSizes {
  int64_t batch, heads, width, tokens, context;
  bool packed;
  int64_t Channels() const { return heads * width; }
  int64_t Rows() const { return batch * tokens; }
};

AttentionSizes ReadAttention(const InputShapes &shapes, int64_t batch, int64_t heads) {
  AttentionSizes sizes{};
  sizes.packed = !shapes.IsThere(1);
  const Shape &queries = shapes.OfRank(0, 2), &context = sizes.packed ? queries : shapes.OfRank(1, 2);
  const int64_t parts = sizes.packed ? 3 : 1, channels = queries[1] / parts;
  shapes.Require(heads > 0 && channels > 0 && queries[1] % (parts * heads) == 0,
                 "the heads must divide the channels of the queries.");
  shapes.Require(batch > 0 && queries[0] % batch == 0 && context[0] % batch == 0,
                 "the images must divide the rows of the queries, and of the keys.");
  shapes.Require(context[0] > 0 || queries[0] == 0, "there must be keys.");
  if (!sizes.packed) shapes.Require(1, {context[0], 2 * channels});
  sizes.batch = batch;
  sizes.heads = heads;
  sizes.width = channels / heads;
  sizes.tokens = queries[0] / batch;
  sizes.context = context[0] / batch;
  return sizes;
}

struct QueryKeyValue {
  HeadRows query, key, value;
};

QueryKeyValue RowsOf(const Call &call, const AttentionSizes &sizes) {
  const long channels = sizes.Channels();
  const float *queries = call.Input(0), *context = call.Input(1);
  if (sizes.packed) {
    return {{queries, 3 * channels}, {queries + channels, 3 * channels}, {queries + 2 * channels, 3 * channels}};
  }
  return {{queries, channels}, {context, 2 * channels}, {context + channels, 2 * channels}};
}

AttentionSizes AttentionSizesOf(const InputShapes &shapes) {
  const Shape sizes = shapes.Sizes(2);
  return ReadAttention(shapes, sizes[0], sizes[1]);
}

const Operation kAttention = {
    "LoopAttention",
    {"queries", "keys_and_values", "sizes"},
    {"y", "log_sums"},
    {},
    [](const InputShapes &shapes) {
      const AttentionSizes sizes = AttentionSizesOf(shapes);
      return std::vector<Shape>{{sizes.Rows(), sizes.Channels()}, {sizes.Rows(), sizes.heads}};
    },
    [](const Call &call) {
      const AttentionSizes sizes = AttentionSizesOf(call.shapes);
      const QueryKeyValue rows = RowsOf(call, sizes);
      ComputeAttention({sizes.batch, sizes.heads, sizes.width, sizes.tokens, sizes.context, rows.query, rows.key, rows.value,
                        call.Output(0), call.Output(1)},
                       call.Running());
    },
};

// ---- LoopAttentionGradient(queries, keys_and_values?, y, log_sums, dy, sizes [0, batch]) → d_queries, d_keys_and_values, of the
//      shapes of what they are the gradients of

constexpr int kLogSums = 3;

AttentionSizes AttentionGradientSizesOf(const InputShapes &shapes) {
  const AttentionSizes sizes = ReadAttention(shapes, shapes.Sizes(1)[0], shapes.OfRank(kLogSums, 2)[1]);
  shapes.Require(2, {sizes.Rows(), sizes.Channels()});
  shapes.Require(kLogSums, {sizes.Rows(), sizes.heads});
  shapes.Require(4, {sizes.Rows(), sizes.Channels()});
  return sizes;
}

const Operation kAttentionGradient = {
    "LoopAttentionGradient",
    {"queries", "keys_and_values", "y", "log_sums", "dy", "sizes"},
    {"d_queries", "d_keys_and_values"},
    {},
    [](const InputShapes &shapes) {
      AttentionGradientSizesOf(shapes);
      return std::vector<Shape>{shapes[0], shapes[1]};
    },
    [](const Call &call) {
      const AttentionSizes sizes = AttentionGradientSizesOf(call.shapes);
      const QueryKeyValue rows = RowsOf(call, sizes);
      const long channels = sizes.Channels();
      AttentionGradient gradient{sizes.batch, sizes.heads,   sizes.width,   sizes.tokens,         sizes.context, rows.query,
                                 rows.key,    rows.value,    call.Input(2), call.Input(kLogSums), call.Input(4)};
      gradient.d_query = call.Output(0);
      gradient.d_query_stride = rows.query.stride;
      gradient.d_key = sizes.packed ? call.Output(0) + channels : call.Output(1);
      gradient.d_value = gradient.d_key + channels;
      gradient.d_context_stride = rows.key.stride;
      ComputeAttentionGradient(gradient, call.Running());
    },
    4,
};

}  // namespace

void RegisterAttentionOperations() {
  Register<kAttention>();
  Register<kAttentionGradient>();
}

}  // namespace loop
