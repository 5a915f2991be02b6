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
// A Number is a float, or a pair of bfloat16 (bfloat16.h): then the operands of all five products are rounded, P and dS among
// them, and Σ dy y is not.
//
// The queries are cut into slices, which compute at the same time where heads are few. Each takes the groups of keys in their
// order and adds to dK and dV of a group after the slice before it has, so that nothing is kept aside and every sum has one
// order. A step of the work is a diagonal of the squares, here numbered:
//
//                groups
//              ┌─┬─┬─┬─┐
//      slices  │0│1│2│3│
//              ├─┼─┼─┼─┤
//              │1│2│3│4│
//              └─┴─┴─┴─┘
#include <algorithm>
#include <type_traits>

#include "head_rows.h"
#include "kernels.h"
#include "memory.h"
#include "threads.h"
#include "vector_math.h"

namespace loop {
namespace {

constexpr long kQueriesOfSlice = 1024;
// Keys of a group: where heads are as wide as 512, a second-level cache of 1 MB would hold too few for the queries that each
// group reads, and K', V', K, dK' and dV' come from the third. Queries of a block: Q and dY fill a quarter of the second.
constexpr long kMostPanelsOfGroup = 8, kKeyNumbersOfGroup = 128 * 1024;
constexpr long kMostTilesOfBlock = 8, kQueryNumbersOfBlock = 32 * 1024;

long SlicesOf(const AttentionGradient &a) { return CountOf(a.tokens, kQueriesOfSlice); }

// The most panels of a group.
long MostPanelsOf(const AttentionGradient &a) {
  const long panels = std::max<long>(1, kKeyNumbersOfGroup / (a.width * kPanel));
  return std::min({kMostPanelsOfGroup, panels, CountOf(a.context, kPanel)});
}

// Rows that are the left operand of two products, a sum over their columns and one over themselves.
template <typename Number>
class LeftRows {
 public:
  LeftRows(long most_rows, long width)
      : width_(width),
        rows_(most_rows * RowStride(NumbersOf<Number>(width))),
        steps_(kLieTheSame ? 0 : NumbersOf<Number>(most_rows) * RowStride(width)) {}

  void Copy(const float *from, long stride, long rows) {
    CopyRows(from, stride, rows, width_, rows_.get());
    if (!kLieTheSame) CopySteps(from, stride, rows, width_, steps_.get());
  }

  // As CopyRows and CopySteps leave them.
  const Number *Rows() const { return rows_.get(); }
  const Number *Steps() const { return kLieTheSame ? rows_.get() : steps_.get(); }

 private:
  static constexpr bool kLieTheSame = std::is_same_v<Number, float>;
  const long width_;
  Buffer<Number> rows_, steps_;
};

// A slice of the queries of one head.
template <typename Number>
class Task {
 public:
  Task(const AttentionGradient &attention, long image, long head, long slice)
      : a_(attention),
        head_(head),
        slice_(slice),
        first_query_(image * a_.tokens + a_.tokens * slice / SlicesOf(a_)),
        queries_(image * a_.tokens + a_.tokens * (slice + 1) / SlicesOf(a_) - first_query_),
        first_key_(image * a_.context),
        most_keys_(MostPanelsOf(a_) * kPanel),
        most_rows_(std::min(queries_, kTileRows * std::min(kMostTilesOfBlock,
                                                           std::max<long>(1, kQueryNumbersOfBlock / (a_.width * kTileRows))))),
        key_panels_(most_keys_ * Depth()),
        value_panels_(most_keys_ * Depth()),
        key_columns_(NumbersOf<Number>(most_keys_) * CountOf(a_.width, kPanel) * kPanel),
        d_key_panels_(most_keys_ * a_.width),
        d_value_panels_(most_keys_ * a_.width),
        query_rows_(most_rows_, a_.width),
        dy_rows_(most_rows_, a_.width),
        weights_(most_rows_ * kPanel),
        d_scores_(most_rows_ * kPanel),
        d_score_rows_(most_rows_ * ScoreStride()),
        log_sums_(queries_),
        corrections_(queries_) {
    PrepareQueries();
  }

  // Adds a group of keys, or what there is of it, once the slice has added those before and the slices before it have this one.
  void AddGroup(long key, long most) {
    const long keys = std::min(most, a_.context - key);
    PackKeys(key, keys);
    for (long query = 0; query < queries_; query += most_rows_) {
      AddBlock(query, std::min(most_rows_, queries_ - query), key, keys);
    }
    UnpackKeys(key, keys);
  }

 private:
  // Of the sums over columns.
  long Depth() const { return NumbersOf<Number>(a_.width); }
  // dS of a block is kept row by row too, these numbers apart.
  long ScoreStride() const { return RowStride(NumbersOf<Number>(most_keys_)); }

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
      PackPanel(from + at * a_.key.stride, a_.key.stride, keys - at, a_.width, kOperandFactor<Number>,
                key_panels_.get() + at * Depth());
      PackPanel(values + at * a_.value.stride, a_.value.stride, keys - at, a_.width, 1, value_panels_.get() + at * Depth());
    }
    for (long column = 0; column < a_.width; column += kPanel) {
      Blocks<Number>::PackPanel(RightMatrix{from, a_.key.stride}, column, std::min<long>(kPanel, a_.width - column), 0, keys,
                                key_columns_.get() + column * NumbersOf<Number>(keys));
    }
  }

  void AddBlock(long query, long rows, long key, long keys) {
    const long row = first_query_ + query;
    query_rows_.Copy(RowOf(a_.query, row, head_, a_.width), a_.query.stride, rows);
    dy_rows_.Copy(a_.dy + (row * a_.heads + head_) * a_.width, a_.heads * a_.width, rows);
    for (long at = 0; at < keys; at += kPanel) {
      // Whole vectors; what is beyond the keys is left behind.
      const long columns = keys - at > kLanes ? kPanel : kLanes;
      MultiplyRows(query_rows_, rows, key_panels_.get() + at * Depth(), weights_.get(), columns);
      MultiplyRows(dy_rows_, rows, value_panels_.get() + at * Depth(), d_scores_.get(), columns);
      FindScoreGradients(query, rows, at, keys);
      AddSteps(dy_rows_, rows, weights_, d_value_panels_.get() + at * a_.width, columns, query > 0);
      AddSteps(query_rows_, rows, d_scores_, d_key_panels_.get() + at * a_.width, columns, query > 0);
    }
    for (long column = 0; column < a_.width; column += kPanel) {
      MultiplyPanel<Order::kRowByRow>(rows, d_score_rows_.get(), ScoreStride(),
                                      key_columns_.get() + column * NumbersOf<Number>(keys), NumbersOf<Number>(keys),
                                      a_.d_query + row * a_.d_query_stride + head_ * a_.width + column, a_.d_query_stride,
                                      std::min<long>(kPanel, a_.width - column), key > 0);
    }
  }

  // QK' or dY V' for a panel of keys.
  void MultiplyRows(const LeftRows<Number> &left, long rows, const Number *panel, float *to, long columns) const {
    MultiplyPanel<Order::kRowByRow>(rows, left.Rows(), RowStride(Depth()), panel, Depth(), to, kPanel, columns, false);
  }
  // Q' dS or dY' P for one.
  void AddSteps(const LeftRows<Number> &left, long rows, const Buffer<float> &panel, float *to, long columns, bool add) const {
    MultiplyPanel<Order::kStepByStep>(a_.width, left.Steps(), RowStride(a_.width), AsPanel(panel), NumbersOf<Number>(rows), to,
                                      kPanel, columns, add);
  }

  // P of S, and dS of dP, in whose place they are panels. dS is copied to its rows too. For keys from `first` on.
  void FindScoreGradients(long query, long rows, long first, long keys) {
    constexpr long kSteps = Blocks<Number>::kSteps;
    for (long i = 0; i < rows; i += kSteps) {
      for (long at = 0; at < std::min<long>(kPanel, keys - first); at += kLanes) {
        Vec weights[kSteps], d_scores[kSteps];
        for (long k = 0; k < kSteps; k++) {
          const long row = i + k, from = row * kPanel + at;
          if (row < rows) {
            weights[k] = Exp2(ToBase2<Number>(Load(&weights_[from])) - Fill(log_sums_[query + row]));
            d_scores[k] = weights[k] * (Load(&d_scores_[from]) - Fill(corrections_[query + row]));
            // There may be anything beyond the last key, whose pair needs a zero.
            Number *d_score_row = &d_score_rows_[row * ScoreStride()];
            StoreRow(KeepFirst(d_scores[k], keys - first - at), d_score_row + NumbersOf<Number>(first + at));
          } else {
            weights[k] = d_scores[k] = Zero();
          }
        }
        StoreSteps(weights, AsPanel(weights_) + i / kSteps * kPanel + at);
        StoreSteps(d_scores, AsPanel(d_scores_) + i / kSteps * kPanel + at);
      }
    }
  }

  // A panel of what is computed, and of what then takes its place.
  static Number *AsPanel(Buffer<float> &buffer) { return reinterpret_cast<Number *>(buffer.get()); }
  static const Number *AsPanel(const Buffer<float> &buffer) { return reinterpret_cast<const Number *>(buffer.get()); }

  void UnpackKeys(long key, long keys) const {
    const long stride = a_.d_context_stride, first = (first_key_ + key) * stride + head_ * a_.width;
    for (long k = 0; k < keys; k += kPanel) {
      const long rows = std::min<long>(kPanel, keys - k), at = first + k * stride;
      UnpackPanel(d_key_panels_.get() + k * a_.width, rows, a_.width, a_.d_key + at, stride, slice_ > 0);
      UnpackPanel(d_value_panels_.get() + k * a_.width, rows, a_.width, a_.d_value + at, stride, slice_ > 0);
    }
  }

  const AttentionGradient &a_;
  const long head_, slice_, first_query_, queries_, first_key_, most_keys_, most_rows_;
  Buffer<Number> key_panels_, value_panels_, key_columns_;
  Buffer<float> d_key_panels_, d_value_panels_;
  LeftRows<Number> query_rows_, dy_rows_;
  Buffer<float> weights_, d_scores_;
  Buffer<Number> d_score_rows_;
  Buffer<float> log_sums_, corrections_;
};

// Each head by one thread.
template <typename Number>
void ComputeByHeads(const AttentionGradient &a, Execution execution) {
  ForEach(a.batch * a.heads, execution.alone, [&](long task) {
    const long keys = MostPanelsOf(a) * kPanel;
    for (long slice = 0; slice < SlicesOf(a); slice++) {
      Task<Number> queries(a, task / a.heads, task % a.heads, slice);
      for (long key = 0; key < a.context; key += keys) queries.AddGroup(key, keys);
    }
  });
}

// The slices of each head at the same time, and so as many groups where there are the keys. How large they are does not show in
// the result: it is where a sum is put down and taken up again.
template <typename Number>
void ComputeByDiagonals(const AttentionGradient &a, Execution execution) {
  const long slices = SlicesOf(a), panels = std::max<long>(1, CountOf(a.context, kPanel) / slices);
  const long keys = std::min(MostPanelsOf(a), panels) * kPanel, groups = CountOf(a.context, keys);
  for (long diagonal = 0; diagonal < slices + groups - 1; diagonal++) {
    const long first = std::max<long>(0, diagonal - groups + 1), count = std::min(slices, diagonal + 1) - first;
    ForEach(a.batch * a.heads * count, execution.alone, [&](long task) {
      const long slice = first + task % count, head = task / count % a.heads, image = task / count / a.heads;
      Task<Number>(a, image, head, slice).AddGroup((diagonal - slice) * keys, keys);
    });
  }
}

}  // namespace

void ComputeAttentionGradient(const AttentionGradient &a, Execution execution) {
  const bool enough_heads = execution.alone || a.batch * a.heads >= 2 * ThreadCount();
  WithNumber(execution.bfloat16, [&](auto number) {
    if (enough_heads || SlicesOf(a) == 1) {
      ComputeByHeads<decltype(number)>(a, execution);
    } else {
      ComputeByDiagonals<decltype(number)>(a, execution);
    }
  });
}

}  // namespace loop
