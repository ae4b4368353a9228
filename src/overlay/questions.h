// What a person asks of a member through the edge: a ping, what the other side believes of the
// edge, or with whom it has edges. A question waits until there are path and keys, then for its
// answer. Edges come in pages: the question goes on with a number of its own for each.
//
// Invariant: at most kMost at a time; each ends kLongest after it was asked at the latest.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/earliest.h"
#include "base/ids.h"
#include "wire/edges.h"

namespace meshnode::overlay {

struct Question {
  enum class Kind : std::uint8_t { ping, trace, edges };
  Kind kind = Kind::ping;
  std::uint64_t asker = 0;  // the host's word for who asked
  NodeId member{};
  PeerNumber peer = kNoPeer;
  // On the wire. The highest bit tells it from the numbers of PathMtu's probes, which are the same
  // message.
  std::uint32_t number = 0;
  TimePoint asked{};
  std::optional<TimePoint> sent{};
  std::vector<wire::EdgeTo> edges{};  // those that came so far

  bool operator==(const Question&) const = default;
};

class Questions {
 public:
  static constexpr std::size_t kMost = 32;
  static constexpr Duration kForEdge = seconds(5);    // to get path and keys
  static constexpr Duration kForAnswer = seconds(2);  // from then on
  static constexpr Duration kLongest = kForEdge + kForAnswer;
  static constexpr std::size_t kMostEdges = 2000;  // of one member that are asked for
  static constexpr std::uint32_t kMark = 0x80000000U;

  // False if there are too many.
  bool add(Question question) {
    if (waiting_.size() == kMost) return false;
    question.number = kMark | next_++;
    next_ &= ~kMark;
    waiting_.push_back(question);
    return true;
  }
  // The next page of edges, behind those that came: sent now. Nothing if it has had its time, which
  // is that of getting an edge, or there are too many pages.
  std::optional<Question> next_page(TimePoint now, Question question) {
    if (now - question.asked >= kForEdge || question.edges.size() > kMostEdges) return std::nullopt;
    question.sent = now;
    if (!add(question)) return std::nullopt;
    return waiting_.back();
  }
  // To this peer, not sent yet; from now on they are.
  std::vector<Question> to_send(TimePoint now, PeerNumber peer) {
    std::vector<Question> out;
    for (Question& question : waiting_) {
      if (question.peer != peer || question.sent) continue;
      question.sent = now;
      out.push_back(question);
    }
    return out;
  }
  // Takes the question that this peer answers with this number; nothing if there is none.
  std::optional<Question> answered(PeerNumber peer, Question::Kind kind, std::uint32_t number) {
    return take([&](const Question& q) {
      return q.peer == peer && q.kind == kind && q.number == number && q.sent;
    });
  }
  std::optional<Question> expired(TimePoint now) {
    return take([&](const Question& q) { return now >= deadline_of(q); });
  }
  std::optional<TimePoint> next_deadline() const {
    std::optional<TimePoint> out;
    for (const Question& question : waiting_) out = earliest({out, deadline_of(question)});
    return out;
  }

 private:
  static TimePoint deadline_of(const Question& question) {
    return question.sent ? *question.sent + kForAnswer : question.asked + kForEdge;
  }
  template <typename Fits>
  std::optional<Question> take(Fits fits) {
    const auto found = std::find_if(waiting_.begin(), waiting_.end(), fits);
    if (found == waiting_.end()) return std::nullopt;
    const Question out = *found;
    waiting_.erase(found);
    return out;
  }

  std::vector<Question> waiting_;
  std::uint32_t next_ = 0;
};

}  // namespace meshnode::overlay
