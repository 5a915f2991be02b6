// The gradient of attention from y and ln Σ exp(score) alone: Dao et al. 2022, "FlashAttention", appendix B.2 and B.4. With
// S = QK' and P = exp(S − log_sums), five products, in blocks of queries and groups of keys that stay in the caches:
//
//   P  = exp(QK' − log_sums)           dV = P' dY
//   dP = dY V'                         dQ = dS K
//   dS = P ∘ (dP − Σ dy y)             dK = dS' Q
//
// Σ dy y, a number for each query, is the part of the softmax's gradient that would need a whole row of P: Σ_s P_s dP_s.
//
// A panel has kPanel keys as its columns, and dK and dV of a group are kept as panels too:
//
//                   kPanel keys                       kPanel keys
//                   ┌────────┐                block  ┌─────────┐
//            width  │ K', V' │               ┌──────┐│  P, dS  │
//         ┌───────┐ └────────┘        width  │ dY', │└─────────┘
//   block │ Q, dY │ ┌────────┐               │  Q'  │┌─────────┐
//         └───────┘ │ S, dP  │               └──────┘│ dV', dK'│  (+)=
//                   └────────┘                       └─────────┘
//
// The queries are cut into at most four slices, whose dK and dV are added in their order at the end, so that a single head has
// work for several threads.
#include <algorithm>

#include "head_rows.h"
#include "kernels.h"
#include "memory.h"
#include "threads.h"
#include "vector_math.h"

namespace loop {
namespace {

constexpr long kMostSlices = 4, kQueriesOfSlice = 1024;
// Keys of a group: K', V', K, dK' and dV' fill half of a second-level cache of 1 MB. Queries of a block: Q and dY fill a quarter.
constexpr long kMostPanelsOfGroup = 4, kKeyNumbersOfGroup = 32 * 1024;
constexpr long kMostTilesOfBlock = 8, kQueryNumbersOfBlock = 32 * 1024;

long SlicesOf(const AttentionGradient &a) { return std::min(kMostSlices, CountOf(a.tokens, kQueriesOfSlice)); }

// Where rows of dK and dV go.
struct ContextRows {
  float *d_key, *d_value;
  long stride;
  // Whether to what is there.
  bool add;
};

// A slice of the queries of one head.
class Task {
 public:
  Task(const AttentionGradient &attention, long image, long head, long slice)
      : a_(attention),
        head_(head),
        first_query_(image * a_.tokens + a_.tokens * slice / SlicesOf(a_)),
        queries_(image * a_.tokens + a_.tokens * (slice + 1) / SlicesOf(a_) - first_query_),
        first_key_(image * a_.context),
        most_panels_(std::min({kMostPanelsOfGroup, std::max<long>(1, kKeyNumbersOfGroup / (a_.width * kPanel)),
                               CountOf(a_.context, kPanel)})),
        most_rows_(std::min(queries_, kTileRows * std::min(kMostTilesOfBlock,
                                                           std::max<long>(1, kQueryNumbersOfBlock / (a_.width * kTileRows))))),
        key_panels_(most_panels_ * a_.width * kPanel),
        value_panels_(most_panels_ * a_.width * kPanel),
        key_columns_(most_panels_ * kPanel * CountOf(a_.width, kPanel) * kPanel),
        d_key_panels_(most_panels_ * a_.width * kPanel),
        d_value_panels_(most_panels_ * a_.width * kPanel),
        query_rows_(most_rows_ * RowStride(a_.width)),
        dy_rows_(most_rows_ * RowStride(a_.width)),
        weights_(most_rows_ * kPanel),
        d_scores_(most_rows_ * kPanel),
        d_score_rows_(most_rows_ * ScoreStride()),
        log_sums_(queries_),
        corrections_(queries_) {}

  void Run(const ContextRows &to) {
    PrepareQueries();
    for (long key = 0; key < a_.context; key += most_panels_ * kPanel) {
      const long keys = std::min(most_panels_ * kPanel, a_.context - key);
      PackKeys(key, keys);
      for (long query = 0; query < queries_; query += most_rows_) {
        AddBlock(query, std::min(most_rows_, queries_ - query), key, keys);
      }
      UnpackKeys(key, keys, to);
    }
  }

 private:
  // dS of a block is kept row by row too, these numbers apart.
  long ScoreStride() const { return RowStride(most_panels_ * kPanel); }

  // log_sums to the base of 2, and Σ dy y.
  void PrepareQueries() {
    for (long query = 0; query < queries_; query++) {
      const long row = (first_query_ + query) * a_.heads + head_;
      const float *y = a_.y + row * a_.width, *dy = a_.dy + row * a_.width;
      Vec sum = Zero();
      for (long i = 0; i < a_.width; i += kLanes) {
        sum = MultiplyAdd(LoadFirst(y + i, a_.width - i), LoadFirst(dy + i, a_.width - i), sum);
      }
      corrections_[query] = SumOfLanes(sum);
      log_sums_[query] = kLog2E * a_.log_sums[row];
    }
  }

  void PackKeys(long key, long keys) {
    const float *from = RowOf(a_.key, first_key_ + key, head_, a_.width);
    const float *values = RowOf(a_.value, first_key_ + key, head_, a_.width);
    for (long at = 0; at < keys; at += kPanel) {
      PackPanel(from + at * a_.key.stride, a_.key.stride, keys - at, a_.width, kLog2E, key_panels_.get() + at * a_.width);
      PackPanel(values + at * a_.value.stride, a_.value.stride, keys - at, a_.width, 1, value_panels_.get() + at * a_.width);
    }
    for (long column = 0; column < a_.width; column += kPanel) {
      RightMatrix{from, a_.key.stride}.Pack(column, std::min<long>(kPanel, a_.width - column), 0, keys,
                                            key_columns_.get() + column * keys);
    }
  }

  void AddBlock(long query, long rows, long key, long keys) {
    const long stride = RowStride(a_.width), row = first_query_ + query;
    CopyRows(RowOf(a_.query, row, head_, a_.width), a_.query.stride, rows, a_.width, query_rows_.get());
    CopyRows(a_.dy + (row * a_.heads + head_) * a_.width, a_.heads * a_.width, rows, a_.width, dy_rows_.get());
    for (long at = 0; at < keys; at += kPanel) {
      // Whole vectors; what is beyond the keys is left behind.
      const long columns = keys - at > kLanes ? kPanel : kLanes;
      MultiplyPanel<Order::kRowByRow>(rows, query_rows_.get(), stride, key_panels_.get() + at * a_.width, a_.width,
                                      weights_.get(), kPanel, columns, false);
      MultiplyPanel<Order::kRowByRow>(rows, dy_rows_.get(), stride, value_panels_.get() + at * a_.width, a_.width,
                                      d_scores_.get(), kPanel, columns, false);
      FindScoreGradients(query, rows, columns, d_score_rows_.get() + at);
      MultiplyPanel<Order::kStepByStep>(a_.width, dy_rows_.get(), stride, weights_.get(), rows,
                                        d_value_panels_.get() + at * a_.width, kPanel, columns, query > 0);
      MultiplyPanel<Order::kStepByStep>(a_.width, query_rows_.get(), stride, d_scores_.get(), rows,
                                        d_key_panels_.get() + at * a_.width, kPanel, columns, query > 0);
    }
    for (long column = 0; column < a_.width; column += kPanel) {
      MultiplyPanel<Order::kRowByRow>(rows, d_score_rows_.get(), ScoreStride(), key_columns_.get() + column * keys, keys,
                                      a_.d_query + row * a_.d_query_stride + head_ * a_.width + column, a_.d_query_stride,
                                      std::min<long>(kPanel, a_.width - column), key > 0);
    }
  }

  // P of S, and dS of dP, which is copied to its rows.
  void FindScoreGradients(long query, long rows, long columns, float *score_rows) {
    for (long i = 0; i < rows; i++) {
      const Vec log_sum = Fill(log_sums_[query + i]), correction = Fill(corrections_[query + i]);
      for (long at = 0; at < columns; at += kLanes) {
        float *weight = weights_.get() + i * kPanel + at, *d_score = d_scores_.get() + i * kPanel + at;
        const Vec p = Exp2(Load(weight) - log_sum);
        const Vec d = p * (Load(d_score) - correction);
        Store(weight, p);
        Store(d_score, d);
        Store(score_rows + i * ScoreStride() + at, d);
      }
    }
  }

  void UnpackKeys(long key, long keys, const ContextRows &to) const {
    const long at = (first_key_ + key) * to.stride + head_ * a_.width;
    for (long k = 0; k < keys; k += kPanel) {
      const long rows = std::min<long>(kPanel, keys - k), row = at + k * to.stride;
      UnpackPanel(d_key_panels_.get() + k * a_.width, rows, a_.width, to.d_key + row, to.stride, to.add);
      UnpackPanel(d_value_panels_.get() + k * a_.width, rows, a_.width, to.d_value + row, to.stride, to.add);
    }
  }

  const AttentionGradient &a_;
  const long head_, first_query_, queries_, first_key_, most_panels_, most_rows_;
  Buffer<float> key_panels_, value_panels_, key_columns_, d_key_panels_, d_value_panels_;
  Buffer<float> query_rows_, dy_rows_, weights_, d_scores_, d_score_rows_;
  Buffer<float> log_sums_, corrections_;
};

// Each head's slices one after the other, by one thread.
void ComputeByHeads(const AttentionGradient &a, Execution execution) {
  ForEach(a.batch * a.heads, execution.alone, [&](long task) {
    for (long slice = 0; slice < SlicesOf(a); slice++) {
      Task(a, task / a.heads, task % a.heads, slice).Run({a.d_key, a.d_value, a.d_context_stride, slice > 0});
    }
  });
}

// All slices at the same time. All but the first leave their dK and dV aside, and what comes out has the same bits.
void ComputeBySlices(const AttentionGradient &a, Execution execution) {
  const long slices = SlicesOf(a), rows = a.batch * a.context, columns = a.heads * a.width;
  Buffer<float> aside((slices - 1) * 2 * rows * columns);
  ForEach(a.batch * a.heads * slices, execution.alone, [&](long task) {
    const long slice = task % slices, head = task / slices % a.heads, image = task / slices / a.heads;
    float *mine = aside.get() + std::max<long>(0, slice - 1) * 2 * rows * columns;
    const ContextRows result{a.d_key, a.d_value, a.d_context_stride, false};
    Task(a, image, head, slice).Run(slice == 0 ? result : ContextRows{mine, mine + rows * columns, columns, false});
  });
  ForEach(rows, execution.alone, [&](long row) {
    for (long part = 0; part < (slices - 1) * 2; part++) {
      float *to = (part % 2 == 0 ? a.d_key : a.d_value) + row * a.d_context_stride;
      const float *from = aside.get() + (part * rows + row) * columns;
      for (long i = 0; i < columns; i++) to[i] += from[i];
    }
  });
}

}  // namespace

void ComputeAttentionGradient(const AttentionGradient &a, Execution execution) {
  const bool enough_heads = execution.alone || a.batch * a.heads >= 2 * ThreadCount();
  if (enough_heads || SlicesOf(a) == 1) {
    ComputeByHeads(a, execution);
  } else {
    ComputeBySlices(a, execution);
  }
}

}  // namespace loop
