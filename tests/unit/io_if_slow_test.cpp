#include <future>

#include <gtest/gtest.h>

#include "io/if_slow.h"

namespace meshnode::io {
namespace {

TEST(IfSlow, IsSaidWhileTheWorkGoesOn) {
  std::promise<void> said;
  const IfSlow waiting(Duration::zero(), [&said] { said.set_value(); });
  said.get_future().wait();  // for ever, if it is not said
}

TEST(IfSlow, IsNotSaidOfWhatIsQuick) {
  bool said = false;
  {
    const IfSlow waiting(hours(1), [&said] { said = true; });
  }
  EXPECT_FALSE(said);
}

TEST(IfSlow, NothingToSayNeedsNoThread) {
  const IfSlow waiting(Duration::zero(), nullptr);
}

}  // namespace
}  // namespace meshnode::io
