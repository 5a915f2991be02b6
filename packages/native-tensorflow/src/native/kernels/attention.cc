// Attention without a table of all scores: Dao et al. 2022, "FlashAttention: Fast and Memory-Efficient Exact Attention with
// IO-Awareness", algorithm 1. Keys and values are taken a block at a time. For each query there is the largest score m so far,
//
//   l = Σ exp(s − m)    and    o = Σ exp(s − m) v,
//
// and l and o are multiplied by exp(m_before − m_now) when a block brings a larger score (Milakov & Gimelshein 2018, "Online
// normalizer calculation for softmax"). At the end y = o / l and ln Σ exp(s) = m + ln l.
//
// Everything is transposed. A panel has kPanel queries as its columns, so that what is said of a query above is done lane by
// lane, and both products are MultiplyPanel's:
//
//                    kPanel queries
//                     ┌─────────┐
//              width  │   Q'    │                            keys  ┌─────────┐
//            ┌──────┐ └─────────┘                           ┌──────┐│ exp(S'  │
//       keys │  K   │ ┌─────────┐                     width │  V'  ││   − m)  │
//            └──────┘ │ S'= KQ' │                           └──────┘└─────────┘
//                     └─────────┘                                   ┌─────────┐
//                                                                   │   O'    │
//                                                                   └─────────┘
// Scores are to the base of 2, and exp is 2ˣ. A Number is a float, or a pair of bfloat16 (bfloat16.h): then Q', K, V' and the
// weights exp(S' − m) are rounded, and l is the sum of weights that are not.
#include <algorithm>
#include <cmath>

#include "head_rows.h"
#include "kernels.h"
#include "memory.h"
#include "threads.h"
#include "vector_math.h"

namespace loop {
namespace {

// Of the queries, and of the outputs, of a task: 1 MB each, from a third-level cache. With fewer, keys and values would be copied
// more often.
constexpr long kQueryNumbersOfTask = 256 * 1024;

// What is known of a panel's queries after some blocks, beside o.
struct Sums {
  Vec largest[2], weights[2];
};

// Some panels of queries of one head.
template <typename Number>
class Task {
 public:
  Task(const Attention &attention, long image, long head, long token, long tokens)
      : a_(attention),
        image_(image),
        head_(head),
        token_(token),
        tokens_(tokens),
        panels_(CountOf(tokens, kPanel)),
        blocks_(KeyBlocksOf(a_.context, a_.width)),
        most_keys_(CountOf(a_.context, blocks_)),
        keys_(most_keys_ * KeyStride()),
        values_(NumbersOf<Number>(most_keys_) * RowStride(a_.width)),
        scores_(most_keys_ * kPanel),
        queries_(panels_ * QueryNumbers()),
        outputs_(panels_ * a_.width * kPanel),
        sums_(panels_) {}

  void Run() {
    for (long p = 0; p < panels_; p++) {
      PackPanel(RowOf(a_.query, image_ * a_.tokens + token_ + p * kPanel, head_, a_.width), a_.query.stride,
                tokens_ - p * kPanel, a_.width, kOperandFactor<Number>, queries_.get() + p * QueryNumbers());
    }
    for (long block = 0; block < blocks_; block++) {
      const long key = a_.context * block / blocks_, keys = a_.context * (block + 1) / blocks_ - key;
      const long row = image_ * a_.context + key;
      CopyRows(RowOf(a_.key, row, head_, a_.width), a_.key.stride, keys, a_.width, keys_.get());
      CopySteps(RowOf(a_.value, row, head_, a_.width), a_.value.stride, keys, a_.width, values_.get());
      for (long p = 0; p < panels_; p++) AddBlock(keys, block == 0, p);
    }
    for (long p = 0; p < panels_; p++) Finish(p);
  }

 private:
  // How far apart copied keys lie.
  long KeyStride() const { return RowStride(NumbersOf<Number>(a_.width)); }
  // Of a panel.
  long QueryNumbers() const { return NumbersOf<Number>(a_.width) * kPanel; }

  void AddBlock(long keys, bool first, long p) {
    const Number *queries = queries_.get() + p * QueryNumbers();
    float *outputs = outputs_.get() + p * a_.width * kPanel;
    MultiplyPanel<Order::kRowByRow>(keys, keys_.get(), KeyStride(), queries, NumbersOf<Number>(a_.width), scores_.get(), kPanel,
                                    kPanel, false);
    Sums &sums = sums_[p];
    const Sums before = sums;
    FindLargest(keys, first, sums);
    if (!first) {
      const Vec factors[2] = {Exp2(before.largest[0] - sums.largest[0]), Exp2(before.largest[1] - sums.largest[1])};
      for (int half = 0; half < 2; half++) sums.weights[half] = sums.weights[half] * factors[half];
      Scale(outputs, factors);
    }
    MultiplyPanel<Order::kStepByStep>(a_.width, values_.get(), RowStride(a_.width), WeighScores(keys, sums),
                                      NumbersOf<Number>(keys), outputs, kPanel, kPanel, !first);
  }

  void FindLargest(long keys, bool first, Sums &sums) const {
    for (int half = 0; half < 2; half++) {
      const float *scores = scores_.get() + half * kLanes;
      Vec largest = Load(scores);
      for (long key = 1; key < keys; key++) largest = Max(largest, Load(scores + key * kPanel));
      largest = ToBase2<Number>(largest);
      sums.largest[half] = first ? largest : Max(sums.largest[half], largest);
      if (first) sums.weights[half] = Zero();
    }
  }

  // Makes weights exp(s − m) of scores, in whose place they are a panel.
  const Number *WeighScores(long keys, Sums &sums) {
    constexpr long kSteps = Blocks<Number>::kSteps;
    auto *panel = reinterpret_cast<Number *>(scores_.get());
    Sums now = sums;
    for (long key = 0; key < keys; key += kSteps) {
      for (int half = 0; half < 2; half++) {
        Vec weights[kSteps];
        for (long k = 0; k < kSteps; k++) {
          const float *score = scores_.get() + (key + k) * kPanel + half * kLanes;
          weights[k] = key + k < keys ? Exp2(ToBase2<Number>(Load(score)) - now.largest[half]) : Zero();
          now.weights[half] = now.weights[half] + weights[k];
        }
        StoreSteps(weights, panel + key / kSteps * kPanel + half * kLanes);
      }
    }
    sums = now;
    return panel;
  }

  void Scale(float *outputs, const Vec (&factors)[2]) const {
    for (long i = 0; i < a_.width; i++) {
      for (int half = 0; half < 2; half++) {
        float *output = outputs + i * kPanel + half * kLanes;
        Store(output, Load(output) * factors[half]);
      }
    }
  }

  void Finish(long p) {
    const Sums &sums = sums_[p];
    float *outputs = outputs_.get() + p * a_.width * kPanel;
    Scale(outputs, {Fill(1.f) / sums.weights[0], Fill(1.f) / sums.weights[1]});
    const long row = image_ * a_.tokens + token_ + p * kPanel, rows = std::min<long>(kPanel, tokens_ - p * kPanel);
    UnpackPanel(outputs, rows, a_.width, a_.y + (row * a_.heads + head_) * a_.width, a_.heads * a_.width);
    float largest[kPanel], weights[kPanel];
    for (int half = 0; half < 2; half++) {
      Store(largest + half * kLanes, sums.largest[half]);
      Store(weights + half * kLanes, sums.weights[half]);
    }
    for (long i = 0; i < rows; i++) a_.log_sums[(row + i) * a_.heads + head_] = kLn2 * (largest[i] + std::log2(weights[i]));
  }

  const Attention &a_;
  const long image_, head_, token_, tokens_, panels_, blocks_, most_keys_;
  Buffer<Number> keys_, values_;
  Buffer<float> scores_;
  Buffer<Number> queries_;
  Buffer<float> outputs_;
  Buffer<Sums> sums_;
};

}  // namespace

void ComputeAttention(const Attention &a, Execution execution) {
  const long panels = CountOf(a.tokens, kPanel), most = std::max<long>(1, kQueryNumbersOfTask / (a.width * kPanel));
  // A few tasks for each thread, so that none waits long for another.
  const long wanted = execution.alone ? 1 : CountOf(4 * ThreadCount(), a.batch * a.heads);
  const long chunks = std::min(panels, std::max(CountOf(panels, most), wanted));
  ForEach(a.batch * a.heads * chunks, execution.alone, [&](long task) {
    const long chunk = task % chunks, head = task / chunks % a.heads, image = task / chunks / a.heads;
    const long first = panels * chunk / chunks * kPanel, last = std::min(a.tokens, panels * (chunk + 1) / chunks * kPanel);
    WithNumber(execution.bfloat16, [&](auto number) { Task<decltype(number)>(a, image, head, first, last - first).Run(); });
  });
}

}  // namespace loop
