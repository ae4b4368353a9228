#include <gtest/gtest.h>

#include "node/argv.h"
#include "node/config_inputs.h"
#include "node/reload.h"

namespace meshnode::node {
namespace {

using Words = std::vector<std::string>;

TEST(ReloadPlan, NothingChangesWithoutAChange) {
  const ReloadPlan plan = plan_reload({}, {});
  EXPECT_TRUE(plan.live.empty() && plan.restart.empty());
  EXPECT_EQ(sentence(plan), "nothing has changed");
}

TEST(ReloadPlan, TellsWhatIsLiveFromWhatIsNot) {
  Config wanted;
  wanted.log.levels = LogLevels(LogLevel::debug);
  wanted.bootstraps = {{"hub.example", 3731}};
  wanted.mtu = 1300;
  wanted.hooks[2] = "/bin/true";
  Config now;
  const ReloadPlan plan = plan_reload(now, wanted);
  EXPECT_EQ(plan.live, (Words{"bootstrap", "log-level", "hooks"}));
  EXPECT_EQ(plan.restart, (Words{"mtu"}));
  EXPECT_EQ(sentence(plan),
            "applied: bootstrap, log-level, hooks; takes effect with a new worker "
            "(meshctl reload --exec): mtu");
  take_live(now, wanted);
  EXPECT_EQ(now.log.levels, LogLevels(LogLevel::debug));
  EXPECT_EQ(now.mtu, 1420) << "as the interface has it";
  EXPECT_EQ(plan_reload(now, wanted).restart, (Words{"mtu"})) << "it is still said";
}

// A key on the command line is left out of what is read again.
TEST(ReloadPlan, AKeyThatIsNotGivenAgainIsNoOtherOne) {
  Config now;
  now.key = overlay::NetworkSecret{};
  Config wanted;
  EXPECT_TRUE(plan_reload(now, wanted).restart.empty());
  wanted.key = overlay::NetworkSecret{};
  wanted.key->secret.data()[0] = 1;
  EXPECT_EQ(plan_reload(now, wanted).restart, (Words{"key"}));
}

TEST(WithoutSecrets, KeysSeedsAndTokensAreLeftOut) {
  const std::string token = "mesh1" + std::string(40, 'a');
  const char* argv[] = {"meshnode", "--key", token.c_str(), "--mtu",       "1300",  "--seed=x",
                        "--key=@f", "--sed", token.c_str(), "--interface", "mesh1", "--seed"};
  EXPECT_EQ(without_secrets(static_cast<int>(std::size(argv)), argv),
            (Words{"meshnode", "--mtu", "1300", "--sed", "--interface", "mesh1"}));
}

}  // namespace
}  // namespace meshnode::node
