// meshctl's side of the control socket. Blocking, with one time-out for the whole exchange; every
// failure is a sentence that says what to do.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "control/protocol.h"
#include "io/unique_fd.h"

namespace meshnode::control {

inline constexpr milliseconds kClientPatience{5000};

// The daemon answers pings and traces within that time, whatever happens.
inline constexpr milliseconds kQuestionPatience{9000};

// The result as one line of JSON text.
Result<std::string> ask(const std::string& socket_path, const Request& request,
                        milliseconds patience = kClientPatience);

// Events, one after the other, each as one line of JSON text; waits for them without end.
class EventStream {
 public:
  static Result<EventStream> open(const std::string& socket_path);
  // Fails when the daemon ended the stream.
  Result<std::string> next();

 private:
  EventStream(io::UniqueFd socket, std::string path, std::string read)
      : socket_(std::move(socket)), path_(std::move(path)), read_(std::move(read)) {}

  io::UniqueFd socket_;
  std::string path_;
  std::string read_;  // what came and was not given out
};

}  // namespace meshnode::control
