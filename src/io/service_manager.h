// What systemd wants to hear from a service of Type=notify (sd_notify(3), sd_watchdog_enabled(3)):
// one datagram of lines to the socket in $NOTIFY_SOCKET. Without one nothing happens. Nothing that
// goes wrong here is worth stopping for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "io/unique_fd.h"

namespace meshnode::io {

class ServiceManager {
 public:
  // Takes its variables out of the environment, so that no program that we start inherits them.
  // Before any thread is there.
  ServiceManager();

  // It works from now on; the text is for people.
  void ready(std::string_view status);
  void stopping();
  // Call it about once a second: the watchdog hears from us in half the time that it allows. A loop
  // that hangs does not call.
  void alive(TimePoint now);

 private:
  void tell(std::string_view lines) const;

  UniqueFd socket_;
  std::optional<Duration> watchdog_;  // between two signs of life
  TimePoint next_{};
};

}  // namespace meshnode::io
