// The threads that kernels share.
#pragma once

#include <functional>

namespace loop {

// How many threads work on a kernel that is told to use all, the caller included. At least 1; the first call decides.
void SetThreadCount(int count);
int ThreadCount();

// Calls task(0) … task(count − 1), each once, on the caller and, unless `alone`, on the shared threads, and returns when all
// are done; if some throw, one of their exceptions is thrown on. Which thread takes which task is open, so a task's result must
// not depend on it, and a task may not call this itself. Denormal numbers count as zero meanwhile: they make some processors a
// hundred times slower, and nothing here needs them. Where the shared threads are busy for another caller, this one does its
// tasks alone.
void ForEach(long count, bool alone, const std::function<void(long)> &task);

}  // namespace loop
