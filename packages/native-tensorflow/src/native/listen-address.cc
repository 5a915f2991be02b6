// TensorFlow's libraries call bind() through their tables of functions (the GOT), which are written to before the server
// starts: to preload a library, as one does otherwise to stand in for a function, would need a process started for it.

#include "listen-address.h"

#include <arpa/inet.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>

namespace {

std::mutex mutex;  // of all below

// The one that is wanted; no family where TensorFlow has its own way.
sockaddr_storage wanted{};
uint16_t wanted_port = 0;  // 0: nothing is
int refused = 0;           // errno
bool has_bound = false;

bool IsAny(const sockaddr *address) {
  if (address->sa_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in *>(address)->sin_addr.s_addr == htonl(INADDR_ANY);
  }
  if (address->sa_family != AF_INET6) return false;
  const in6_addr &in = reinterpret_cast<const sockaddr_in6 *>(address)->sin6_addr;
  if (IN6_IS_ADDR_UNSPECIFIED(&in)) return true;
  // ::ffff:0.0.0.0
  return IN6_IS_ADDR_V4MAPPED(&in) && in.s6_addr32[3] == htonl(INADDR_ANY);
}

// Of both families the port lies at the same place.
uint16_t PortOf(const sockaddr *address) { return ntohs(reinterpret_cast<const sockaddr_in *>(address)->sin_port); }

// The address that is wanted, for a socket of a family. Sockets of IPv6 take those of IPv4 mapped.
socklen_t WantedFor(sa_family_t family, sockaddr_storage *address) {
  *address = wanted;
  if (family != AF_INET6 || wanted.ss_family != AF_INET) {
    return wanted.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  }
  const in_addr in = reinterpret_cast<const sockaddr_in &>(wanted).sin_addr;
  auto &mapped = reinterpret_cast<sockaddr_in6 &>(*address);
  mapped = {};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = htons(wanted_port);
  mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
  memcpy(&mapped.sin6_addr.s6_addr[12], &in, sizeof(in));
  return sizeof(sockaddr_in6);
}

// What TensorFlow's libraries call instead of bind().
int Bind(int socket, const sockaddr *address, socklen_t size) {
  const std::lock_guard<std::mutex> lock(mutex);
  const bool known = address != nullptr && size >= sizeof(sockaddr_in);
  if (wanted_port == 0 || !known || !IsAny(address) || PortOf(address) != wanted_port) {
    return bind(socket, address, size);
  }
  sockaddr_storage other;
  const socklen_t other_size = WantedFor(address->sa_family, &other);
  const int result = wanted.ss_family == AF_UNSPEC
                         ? bind(socket, address, size)
                         : bind(socket, reinterpret_cast<const sockaddr *>(&other), other_size);
  if (result == 0) has_bound = true;
  // Kept as it is for TensorFlow, which reads it, too.
  else refused = errno;
  return result;
}

// Puts Bind in the place of bind() in one library's table; counts in `data`.
int Redirect(dl_phdr_info *library, size_t, void *data) {
  if (library->dlpi_name == nullptr || strstr(library->dlpi_name, "/libtensorflow_") == nullptr) return 0;
  const ElfW(Dyn) *entry = nullptr;
  for (int i = 0; i < library->dlpi_phnum; i++) {
    const ElfW(Phdr) &header = library->dlpi_phdr[i];
    if (header.p_type == PT_DYNAMIC) entry = reinterpret_cast<const ElfW(Dyn) *>(library->dlpi_addr + header.p_vaddr);
  }
  const ElfW(Sym) *symbols = nullptr;
  const char *names = nullptr;
  const ElfW(Rela) *relocation = nullptr;
  size_t bytes = 0;
  for (; entry != nullptr && entry->d_tag != DT_NULL; entry++) {
    if (entry->d_tag == DT_SYMTAB) symbols = reinterpret_cast<const ElfW(Sym) *>(entry->d_un.d_ptr);
    if (entry->d_tag == DT_STRTAB) names = reinterpret_cast<const char *>(entry->d_un.d_ptr);
    if (entry->d_tag == DT_JMPREL) relocation = reinterpret_cast<const ElfW(Rela) *>(entry->d_un.d_ptr);
    if (entry->d_tag == DT_PLTRELSZ) bytes = entry->d_un.d_val;
  }
  if (symbols == nullptr || names == nullptr || relocation == nullptr) return 0;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (const auto *end = relocation + bytes / sizeof(*relocation); relocation < end; relocation++) {
    if (strcmp(names + symbols[ELF64_R_SYM(relocation->r_info)].st_name, "bind") != 0) continue;
    auto *place = reinterpret_cast<int (**)(int, const sockaddr *, socklen_t)>(library->dlpi_addr + relocation->r_offset);
    // Read-only where the system resolves all functions at once.
    auto *start = reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(place) & ~(page - 1));
    if (mprotect(start, page, PROT_READ | PROT_WRITE) != 0) continue;
    *place = Bind;
    ++*static_cast<int *>(data);
  }
  return 0;
}

}  // namespace

ListenAddress::ListenAddress(const char *address, uint16_t port) {
  const std::lock_guard<std::mutex> lock(mutex);
  wanted = {};
  refused = 0;
  has_bound = false;
  auto &four = reinterpret_cast<sockaddr_in &>(wanted);
  auto &six = reinterpret_cast<sockaddr_in6 &>(wanted);
  if (inet_pton(AF_INET, address, &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
  } else if (inet_pton(AF_INET6, address, &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
  } else {
    problem_ = "the address to listen on is not numeric";
    return;
  }
  if (IsAny(reinterpret_cast<const sockaddr *>(&wanted))) wanted = {};
  int redirected = 0;
  dl_iterate_phdr(Redirect, &redirected);
  // Nothing listens then: better not at all than for everybody.
  if (redirected == 0) problem_ = "TensorFlow's library could not be told where to listen";
  else wanted_port = port;
}

ListenAddress::~ListenAddress() {
  const std::lock_guard<std::mutex> lock(mutex);
  wanted_port = 0;
}

const char *ListenAddress::bind_problem() const {
  const std::lock_guard<std::mutex> lock(mutex);
  return refused == 0 ? nullptr : strerror(refused);
}

bool ListenAddress::bound() const {
  const std::lock_guard<std::mutex> lock(mutex);
  return has_bound;
}
