// node/hook_facts: what the worker says is what the monitor takes.
#include <gtest/gtest.h>

#include "node/hook_facts.h"

namespace meshnode::node {
namespace {

struct Facts : ::testing::Test {
  void taken(const monitor::HookFacts& facts) const {
    const auto read = monitor::hook_from_text(monitor::to_text(facts));
    ASSERT_TRUE(read) << monitor::to_text(facts);
    EXPECT_EQ(read->event, facts.event);
    EXPECT_EQ(read->fields, facts.fields);
  }
  Config config;
  overlay::NetworkSecret network;
  NodeId peer;
  HookSubject subject{config, network, overlay::overlay_address(network.id(), NodeId{})};
};

TEST_F(Facts, OfTheInterfaceAreTaken) {
  taken(interface_facts(monitor::HookEvent::interface_up, subject));
}

TEST_F(Facts, OfAPeerAreTakenWhateverItCallsItself) {
  for (const char* name : {"", "beta", "../$(x) =\"", "\xc3\xa9"}) {
    const auto up =
        peer_facts(overlay::PeerConnected{.id = peer, .name = name, .path = {}}, subject);
    ASSERT_TRUE(up);
    EXPECT_EQ(up->fields.size(), 6U);
    taken(*up);
    taken(*peer_facts(overlay::PeerLost{.id = peer, .name = name}, subject));
  }
}

}  // namespace
}  // namespace meshnode::node
