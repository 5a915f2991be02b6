// TensorFlow's server listens on all of a machine's addresses, and cannot be told otherwise. While a ListenAddress lives, a
// socket that TensorFlow binds to all addresses is bound to the one that is wanted.

#ifndef LOOP_DIFFUSION_LISTEN_ADDRESS_H_
#define LOOP_DIFFUSION_LISTEN_ADDRESS_H_

#include <cstdint>

class ListenAddress {
 public:
  // `address` is numeric, of either family; 0.0.0.0 or :: leave TensorFlow its own way. One at a time in a process.
  ListenAddress(const char *address, uint16_t port);
  ~ListenAddress();
  ListenAddress(const ListenAddress &) = delete;
  ListenAddress &operator=(const ListenAddress &) = delete;

  // Why it cannot be done; null where it can.
  const char *problem() const { return problem_; }
  // The system's reason why a socket could not be bound; null where none was refused.
  const char *bind_problem() const;
  // Whether a socket has been bound.
  bool bound() const;

 private:
  const char *problem_ = nullptr;
};

#endif  // LOOP_DIFFUSION_LISTEN_ADDRESS_H_
