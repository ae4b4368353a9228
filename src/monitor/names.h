// Makes names of members known to the machine, with the monitor's rights: through systemd-resolved,
// and in /etc/hosts where that is wanted.
//
// Invariants
//  1. What is done at all follows from the configuration, as the monitor reads it itself.
//  2. The worker's word is checked: the server is asked at an address of our interface only, for
//     "mesh" and the reverse zone of that address's /48 only; in /etc/hosts there are names under
//     "mesh" only, at most kMostLines of them, with addresses of the mesh or IPv4 ones. A worker in
//     an attacker's hands can lie about names of the mesh, and about no others.
//  3. The file is written at most once in kWriteEvery, and systemd-resolved is told of another port
//     at most once in kServerEvery, whatever the worker says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "monitor/hosts_file.h"
#include "monitor/resolved.h"

namespace meshnode::monitor {

struct NameSettings {
  bool dns = false;    // systemd-resolved
  bool hosts = false;  // /etc/hosts
  std::string hosts_file = kHostsFile;
};

// A line of the worker's, "ADDRESS NAME [NAME]", as it may stand in the file.
bool is_hosts_line(std::string_view line, const Cidr& prefix);

class Names {
 public:
  static constexpr std::size_t kMostLines = 2048;
  static constexpr Duration kWriteEvery = seconds(2);
  static constexpr Duration kServerEvery = seconds(2);

  explicit Names(io::EventLoop& loop) : resolved_(loop) {}

  void set_settings(TimePoint now, NameSettings settings);
  // The interface that the worker has, by its descriptor.
  void set_interface(TimePoint now, int tun);
  // What the worker says: where it answers DNS (text of a port, or empty); lines, some at a time;
  // and that these were all.
  void server(TimePoint now, std::string_view port);
  void lines(std::string_view text);
  void lines_end(TimePoint now);

  // The worker has ended for good: takes all back.
  void end(TimePoint now);
  void timeout(TimePoint now);
  std::optional<TimePoint> next_deadline() const;
  bool idle() const { return resolved_.idle(); }

 private:
  void tell_server(TimePoint now);
  void tell_resolved(TimePoint now);
  void want_hosts(TimePoint now);
  void write_hosts(TimePoint now);

  Resolved resolved_;
  NameSettings settings_;
  std::string interface_;
  int index_ = 0;
  IpAddress address_;  // ours in the mesh
  std::optional<std::uint16_t> port_;
  std::optional<TimePoint> server_due_;  // when the port is passed on
  TimePoint next_server_{};
  std::vector<std::string> incoming_;
  std::string block_;             // what should stand in the file
  bool written_ = false;          // there may be a block of ours
  std::optional<TimePoint> due_;  // of the next write
  TimePoint next_write_{};
  std::string complaint_;  // the last one, said once
};

}  // namespace meshnode::monitor
