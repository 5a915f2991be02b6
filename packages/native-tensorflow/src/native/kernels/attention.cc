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
// Scores are to the base of 2: queries are multiplied by log₂ e, and exp is 2ˣ.
#include <algorithm>
#include <cmath>

#include "head_rows.h"
#include "kernels.h"
#include "memory.h"
#include "threads.h"
#include "vector_math.h"

namespace loop {
namespace {

// A block's scores for a panel fill half of a first-level cache of 32 KB, its keys and values a quarter of a second-level cache
// of 1 MB, and queries and outputs of a task half of that.
constexpr long kScoresOfBlock = 4096, kKeyNumbersOfBlock = 32 * 1024, kQueryNumbersOfTask = 64 * 1024;

long BlocksOf(const Attention &a) {
  return CountOf(a.context, std::max<long>(1, std::min(kScoresOfBlock / kPanel, kKeyNumbersOfBlock / a.width)));
}

// What is known of a panel's queries after some blocks, beside o.
struct Sums {
  Vec largest[2], weights[2];
};

// Some panels of queries of one head.
class Task {
 public:
  Task(const Attention &attention, long image, long head, long token, long tokens)
      : a_(attention),
        image_(image),
        head_(head),
        token_(token),
        tokens_(tokens),
        panels_(CountOf(tokens, kPanel)),
        blocks_(BlocksOf(a_)),
        keys_(CountOf(a_.context, blocks_) * RowStride(a_.width)),
        values_(CountOf(a_.context, blocks_) * RowStride(a_.width)),
        scores_(CountOf(a_.context, blocks_) * kPanel),
        queries_(panels_ * a_.width * kPanel),
        outputs_(panels_ * a_.width * kPanel),
        sums_(panels_) {}

  void Run() {
    for (long p = 0; p < panels_; p++) {
      PackPanel(RowOf(a_.query, image_ * a_.tokens + token_ + p * kPanel, head_, a_.width), a_.query.stride,
                tokens_ - p * kPanel, a_.width, kLog2E, queries_.get() + p * a_.width * kPanel);
    }
    for (long block = 0; block < blocks_; block++) {
      const long key = a_.context * block / blocks_, keys = a_.context * (block + 1) / blocks_ - key;
      const long row = image_ * a_.context + key;
      CopyRows(RowOf(a_.key, row, head_, a_.width), a_.key.stride, keys, a_.width, keys_.get());
      CopyRows(RowOf(a_.value, row, head_, a_.width), a_.value.stride, keys, a_.width, values_.get());
      for (long p = 0; p < panels_; p++) AddBlock(keys, block == 0, p);
    }
    for (long p = 0; p < panels_; p++) Finish(p);
  }

 private:
  void AddBlock(long keys, bool first, long p) {
    const float *queries = queries_.get() + p * a_.width * kPanel;
    float *outputs = outputs_.get() + p * a_.width * kPanel;
    MultiplyPanel<Order::kRowByRow>(keys, keys_.get(), RowStride(a_.width), queries, a_.width, scores_.get(), kPanel, kPanel,
                                    false);
    Sums &sums = sums_[p];
    const Sums before = sums;
    FindLargest(keys, first, sums);
    if (!first) {
      const Vec factors[2] = {Exp2(before.largest[0] - sums.largest[0]), Exp2(before.largest[1] - sums.largest[1])};
      for (int half = 0; half < 2; half++) sums.weights[half] = sums.weights[half] * factors[half];
      Scale(outputs, factors);
    }
    WeighScores(keys, sums);
    MultiplyPanel<Order::kStepByStep>(a_.width, values_.get(), RowStride(a_.width), scores_.get(), keys, outputs, kPanel, kPanel,
                                      !first);
  }

  void FindLargest(long keys, bool first, Sums &sums) const {
    for (int half = 0; half < 2; half++) {
      const float *scores = scores_.get() + half * kLanes;
      Vec largest = first ? Load(scores) : sums.largest[half];
      for (long key = 0; key < keys; key++) largest = Max(largest, Load(scores + key * kPanel));
      sums.largest[half] = largest;
      if (first) sums.weights[half] = Zero();
    }
  }

  // Makes weights exp(s − m) of scores.
  void WeighScores(long keys, Sums &sums) {
    Sums now = sums;
    for (long key = 0; key < keys; key++) {
      for (int half = 0; half < 2; half++) {
        float *score = scores_.get() + key * kPanel + half * kLanes;
        const Vec weight = Exp2(Load(score) - now.largest[half]);
        now.weights[half] = now.weights[half] + weight;
        Store(score, weight);
      }
    }
    sums = now;
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
  const long image_, head_, token_, tokens_, panels_, blocks_;
  Buffer<float> keys_, values_, scores_, queries_, outputs_;
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
    Task(a, image, head, first, last - first).Run();
  });
}

}  // namespace loop
