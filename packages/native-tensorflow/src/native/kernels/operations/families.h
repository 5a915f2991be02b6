// The operations, by families; each is explained where it is defined.
#pragma once

namespace loop {

void RegisterAttentionOperations();
void RegisterConvolutionOperations();
void RegisterGateOperations();
void RegisterLinearOperations();
void RegisterNormOperations();

}  // namespace loop
