#include "bfloat16.h"

#include "kernels.h"

namespace loop {

bool HasBfloat16() {
#ifdef LOOP_HAS_BFLOAT16
  return true;
#else
  return false;
#endif
}

}  // namespace loop
