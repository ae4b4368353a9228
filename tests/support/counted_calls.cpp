#include "support/counted_calls.h"

#include <ctime>

#include <dlfcn.h>
#include <pthread.h>
#include <sys/eventfd.h>

namespace {

thread_local meshnode::test::Calls counted;

// The function that this one stands before.
template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

meshnode::test::Calls meshnode::test::calls() {
  return counted;
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)

extern "C" {

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static auto* const real = next<int(pthread_mutex_t*)>("pthread_mutex_lock");
  ++counted.locks;
  return real(mutex);
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const real = next<int(clockid_t, timespec*)>("clock_gettime");
  ++counted.clocks;
  return real(clock, time);
}

int eventfd_write(int fd, eventfd_t value) {
  static auto* const real = next<int(int, eventfd_t)>("eventfd_write");
  ++counted.bells;
  return real(fd, value);
}

}  // extern "C"

#endif
#endif
