// A node that asks virtual STUN servers: what they see gets into its record.
#include "directory_fixture.h"
#include "wire/stun.h"

namespace meshnode::test {
namespace {

struct StunInCore : DirectoryTest {
  StunInCore() : DirectoryTest(43) {
    lan.filter = [this](const Datagram& d) { return !is_beacon(d) && !answered(d); };
  }

  // Servers, and the endpoint that each of them sees.
  std::map<Endpoint, Endpoint> servers;
  std::uint64_t start_id = 1;
  unsigned asked = 0;

  bool answered(const Datagram& d) {
    const auto server = servers.find(d.to);
    if (server == servers.end()) return false;
    const auto request = wire::parse_stun_request(d.bytes);
    if (!request) return false;
    ++asked;
    lan.inject({d.to, d.from, wire::stun_response(*request, server->second, start_id, {}, {})});
    return true;
  }
  static std::vector<Endpoint> candidates(const discovery::RecordPtr& record,
                                          wire::CandidateKind kind) {
    std::vector<Endpoint> out;
    for (const auto& candidate : record->record.candidates)
      if (candidate.kind == kind) out.push_back(candidate.endpoint);
    return out;
  }
  void tell_servers(VirtualNode& node) {
    for (const auto& [server, mapped] : servers) node.core().add_reflector(node.now(), server);
  }

  const Endpoint one{IpAddress::v4({198, 51, 100, 1}), 3731};
  const Endpoint two{IpAddress::v4({198, 51, 100, 2}), 3731};
  const Endpoint outside{IpAddress::v4({203, 0, 113, 7}), 51234};
  const Endpoint outside_too{IpAddress::v4({203, 0, 113, 7}), 51235};
};

TEST_F(StunInCore, ReflexiveEndpointGetsIntoTheRecord) {
  servers = {{one, outside}};
  VirtualNode& alpha = add("alpha");
  alpha.start();
  tell_servers(alpha);
  lan.run_for(seconds(1));
  EXPECT_EQ(alpha.core().engine().snapshot(lan.time).reflexive, std::vector{outside});
  const auto record = published(alpha);
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(candidates(record, wire::CandidateKind::reflexive), std::vector{outside});
  EXPECT_EQ(candidates(record, wire::CandidateKind::host), std::vector{alpha.endpoint()});
  EXPECT_EQ(record->record.nat, wire::NatMapping::unknown) << "one witness is not enough";
}

TEST_F(StunInCore, TwoServersTellTheMapping) {
  for (const bool same : {true, false}) {
    servers = {{one, outside}, {two, same ? outside : outside_too}};
    VirtualNode& node = add(same ? "steady" : "dependent");
    node.start();
    tell_servers(node);
    lan.run_for(seconds(1));
    const auto record = published(node);
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->record.nat,
              same ? wire::NatMapping::endpoint_independent : wire::NatMapping::dependent);
    EXPECT_TRUE(std::any_of(node.events.begin(), node.events.end(), [&](const auto& event) {
      const auto* nat = std::get_if<overlay::NatKnown>(&event);
      return nat != nullptr && nat->mapping == record->record.nat;
    }));
  }
}

TEST_F(StunInCore, FirstRecordWaitsForTheServersButNotForLong) {
  NodeOptions patient = options("patient", 1);
  patient.reflectors = true;
  servers = {{one, outside}};
  VirtualNode& answered = lan.add(patient);
  answered.start();
  tell_servers(answered);
  EXPECT_TRUE(lan.run_until([&] { return published(answered) != nullptr; }, milliseconds(10)));
  EXPECT_EQ(candidates(published(answered), wire::CandidateKind::reflexive), std::vector{outside});

  patient = options("unlucky", 2);
  patient.reflectors = true;
  VirtualNode& unanswered = lan.add(patient);
  unanswered.start();
  unanswered.core().add_reflector(unanswered.now(), two);  // nobody is there
  lan.run_for(milliseconds(200));
  EXPECT_EQ(published(unanswered), nullptr);
  lan.run_for(milliseconds(100));
  EXPECT_NE(published(unanswered), nullptr);
}

TEST_F(StunInCore, OtherMappingIsPublishedAfterTheNextQuestion) {
  servers = {{one, outside}};
  VirtualNode& alpha = add("alpha");
  alpha.start();
  tell_servers(alpha);
  lan.run_for(seconds(1));
  const auto before = published(alpha);
  lan.run_for(hours(1));
  EXPECT_EQ(published(alpha)->record.sequence, before->record.sequence) << "nothing new, no record";
  servers[one] = outside_too;
  lan.run_for(seconds(31));
  EXPECT_EQ(candidates(published(alpha), wire::CandidateKind::reflexive), std::vector{outside_too});
  EXPECT_GT(published(alpha)->record.sequence, before->record.sequence);
}

TEST_F(StunInCore, ServerThatStartedAnewGetsOurRecordsAgain) {
  servers = {{one, outside}};
  VirtualNode& alpha = add("alpha");
  alpha.start();
  tell_servers(alpha);
  lan.run_for(minutes(1));
  lan.dht.stored.clear();
  ++start_id;
  lan.run_for(seconds(31));
  EXPECT_NE(published(alpha), nullptr) << "long before the next refresh";
}

TEST_F(StunInCore, InterfaceChangeAsksAtOnce) {
  servers = {{one, outside}};
  VirtualNode& alpha = add("alpha");
  alpha.start();
  tell_servers(alpha);
  lan.run_for(seconds(2));
  asked = 0;
  servers[one] = outside_too;
  alpha.addresses_changed();
  EXPECT_TRUE(lan.run_until(
      [&] {
        const auto record = published(alpha);
        return record &&
               candidates(record, wire::CandidateKind::reflexive) == std::vector{outside_too};
      },
      milliseconds(200)));
  EXPECT_GE(asked, 1U);
}

TEST_F(StunInCore, AnswersThatNobodyAskedForAreCounted) {
  servers = {{one, outside}};
  VirtualNode& alpha = add("alpha");
  alpha.start();
  tell_servers(alpha);
  lan.run_for(seconds(2));
  const auto record = published(alpha);
  const auto dropped = alpha.core().drops()[Drop::unsolicited];
  const auto lie = [&](const Endpoint& from) {
    const auto request = wire::parse_stun_request(wire::stun_request(lan.random.block<12>()));
    lan.inject({from, alpha.endpoint(), wire::stun_response(*request, outside_too, 1, {}, {})});
  };
  lie(one);  // the right server, but another transaction
  lie(two);
  lan.run_for(seconds(2));
  EXPECT_EQ(alpha.core().drops()[Drop::unsolicited], dropped + 2);
  EXPECT_EQ(published(alpha)->record.sequence, record->record.sequence);
}

}  // namespace
}  // namespace meshnode::test
