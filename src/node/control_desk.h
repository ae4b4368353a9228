// Who stands behind the control socket: answers requests, asks the core what takes time, and turns
// what happens into events for those who watch.
//
// Invariants
//  1. Every request that is put off is answered within overlay::Questions::kLongest.
//  2. Nothing is made of an event while nobody watches.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "control/find_peer.h"
#include "control/reports.h"
#include "control/server.h"
#include "control/why.h"
#include "node/config.h"
#include "overlay/core.h"

namespace meshnode::node {

class ControlDesk {
 public:
  struct Facts {
    std::function<control::Snapshot()> status;
    std::function<control::JoinLine()> join_line;
    std::function<control::HereEvidence()> here;
    std::function<Now()> now;
    // Reads the configuration again; JSON text of what came of it.
    std::function<Result<std::string>()> reload;
    // Asks for a successor; upgrade_refused() or leave() follows.
    std::function<void()> upgrade;
  };
  // `core` and what `facts` and `loop` hold outlive the desk.
  static Result<std::unique_ptr<ControlDesk>> open(const Config& config, std::uint16_t port,
                                                   overlay::Core& core, io::LoopDoor loop,
                                                   Facts facts);

  // About once a second.
  void tick(TimePoint now);
  void tell(const overlay::Event& event);
  void upgrade_refused(const std::string& why);
  // A successor takes over: says so to those who asked for one.
  void leave();
  void bootstrap_changed(const std::string& name, bool up);

 private:
  // Whom a request that was put off is for, and what it asked.
  struct Asked {
    NodeId id;
    std::string name;
  };

  ControlDesk(std::string name, std::uint16_t port, overlay::Core& core, Facts facts)
      : own_name_(std::move(name)), port_(port), core_(core), facts_(std::move(facts)) {}
  control::Reply reply(const control::Request& request, control::Ticket ticket);
  Result<control::NamedPeer> find(const std::string& whom) const;
  control::Reply reply_about(const control::Request& request, control::Ticket ticket);
  control::Reply explain(const std::string& whom) const;
  control::Reply reload(const control::Request& request, control::Ticket ticket);
  control::Reply set_level(const std::string& level);
  void answered(const overlay::Answered& answer);
  std::string ping_report(const Asked& asked, const overlay::Answered& answer) const;
  std::string edges_report(const Asked& asked, const overlay::Answered& answer) const;
  std::string trace_report(const Asked& asked, const overlay::Answered& answer) const;
  control::PeerDetails details(const NodeId& id, const std::string& name) const;
  void publish(control::Event event);

  std::string own_name_;
  std::uint16_t port_;
  overlay::Core& core_;
  Facts facts_;
  std::map<control::Ticket, Asked> asked_;
  std::vector<control::Ticket> upgrading_;   // who waits for the end of an upgrade
  std::optional<TimePoint> twin_;            // another machine was seen to use our key
  std::unique_ptr<control::Server> server_;  // last: it calls the above
};

}  // namespace meshnode::node
