#include "ctl/live.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <ctime>
#include <ostream>
#include <thread>
#include <vector>

#include "control/client.h"
#include "control/reports_json.h"
#include "ctl/render_peer.h"
#include "ctl/units.h"

namespace meshnode::ctl {
namespace {

using control::Method;
using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t interrupted = 0;

// Ctrl-C ends the loop, not the program: what was counted is still told.
class Interruptible {
 public:
  Interruptible() {
    interrupted = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    ::sigaction(SIGINT, &action, &before_);
  }
  ~Interruptible() { ::sigaction(SIGINT, &before_, nullptr); }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  struct sigaction before_ {};
};

// In small steps, since a signal does not end the sleep.
void sleep_until(Clock::time_point when) {
  constexpr std::chrono::milliseconds kStep{50};
  while (interrupted == 0 && Clock::now() < when)
    std::this_thread::sleep_for(std::min<Clock::duration>(kStep, when - Clock::now()));
}

Clock::duration in_clock(double s) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
}

struct Tally {
  std::uint64_t asked = 0;
  std::uint64_t answered = 0;
  double least = 0, most = 0, sum = 0, squares = 0;

  void count(const control::PingReport& report) {
    ++asked;
    if (!report.rtt_ms) return;
    const double rtt = *report.rtt_ms;
    least = answered == 0 ? rtt : std::min(least, rtt);
    most = std::max(most, rtt);
    sum += rtt;
    squares += rtt * rtt;
    ++answered;
  }
  double mean() const { return sum / static_cast<double>(answered); }
  double deviation() const {
    return std::sqrt(std::max(0.0, squares / static_cast<double>(answered) - mean() * mean()));
  }
  std::string sentence() const {
    std::string out = std::to_string(asked) + " asked, " + std::to_string(answered) + " answered";
    if (answered == 0) return out;
    return out + ", round trip " + human_ms(least) + " to " + human_ms(most) + ", on average " +
           human_ms(mean()) + " (deviation " + human_ms(deviation()) + ")";
  }
};

struct Sample {
  std::vector<control::PeerStatus> peers;
  Clock::time_point when{};
};

Result<Sample> sample_of(const std::string& socket) {
  const auto answer = control::ask(socket, Method::peers);
  if (!answer) return answer.error();
  auto peers = control::peers_from_json(*answer);
  if (!peers) return peers.error();
  return Sample{std::move(*peers), Clock::now()};
}

double seconds_between(const Sample& before, const Sample& now) {
  return std::chrono::duration<double>(now.when - before.when).count();
}

long utc_offset() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  return local.tm_gmtoff;
}

}  // namespace

Status ping(const std::string& socket, const Options& options, const Surroundings& to) {
  const Interruptible guard;
  Tally tally;
  for (std::uint64_t n = 1; (options.count == 0 || n <= options.count) && interrupted == 0; ++n) {
    const auto next = Clock::now() + in_clock(options.interval_s);
    const auto answer =
        control::ask(socket, {Method::ping, options.peer}, control::kQuestionPatience);
    if (interrupted != 0) break;
    if (!answer) return answer.error();
    const auto report = control::ping_from_json(*answer);
    if (!report) return report.error();
    tally.count(*report);
    to.out << (options.json ? *answer + "\n" : render_ping(*report, n)) << std::flush;
    if (!to.out) return success();  // nobody reads: run() says so
    if (n != options.count) sleep_until(next);
  }
  if (!options.json) to.out << tally.sentence() << '\n';
  if (tally.answered > 0) return success();
  return Error::world("no ping was answered");
}

Status watch(const std::string& socket, const Options& options, const Surroundings& to) {
  auto stream = control::EventStream::open(socket);
  if (!stream) return stream.error();
  const long offset = utc_offset();
  while (to.out) {
    const auto line = stream->next();
    if (!line) return line.error();
    if (options.json) {
      to.out << *line << std::endl;
      continue;
    }
    const auto event = control::event_from_json(*line);
    if (!event) return event.error();
    to.out << render_event(*event, offset) << std::flush;
  }
  return success();
}

Status top(const std::string& socket, const Options& options, const Surroundings& to) {
  const Interruptible guard;
  auto before = sample_of(socket);
  if (!before) return before.error();
  const bool live = to.look.terminal && !options.json;
  do {
    sleep_until(before->when + in_clock(options.interval_s));
    if (interrupted != 0) break;
    auto now = sample_of(socket);
    if (!now) return now.error();
    const double seconds = seconds_between(*before, *now);
    if (options.json) {
      to.out << top_json(now->peers, before->peers, seconds) << '\n';
    } else {
      // Home, the text, and nothing below it: without a flicker.
      if (live) to.out << "\033[H\033[2J";
      to.out << render_top(now->peers, before->peers, seconds, to.look) << std::flush;
    }
    before = std::move(now);
  } while (live && to.out);
  return success();
}

}  // namespace meshnode::ctl
