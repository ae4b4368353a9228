// Tasks for another thread, without one.
#include <memory>

#include <gmock/gmock.h>

#include "node/task_queue.h"

namespace meshnode::node {
namespace {

using ::testing::ElementsAre;

TEST(TaskQueue, WakesTheTakerForTheFirstOnly) {
  TaskQueue<int> queue;
  EXPECT_TRUE(queue.put(1));
  EXPECT_FALSE(queue.put(2));
  EXPECT_FALSE(queue.put(3));
  std::vector<int> taken;
  queue.take(taken);
  EXPECT_THAT(taken, ElementsAre(1, 2, 3)) << "all of them, in order";
  taken.clear();
  EXPECT_TRUE(queue.put(4));
  queue.take(taken);
  EXPECT_THAT(taken, ElementsAre(4));
  taken.clear();
  queue.take(taken);
  EXPECT_TRUE(taken.empty());
}

TEST(TaskQueue, KeepsNothingOfWhatWasTaken) {
  TaskQueue<std::shared_ptr<int>> queue;
  auto key = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = key;
  queue.put(std::move(key));
  std::vector<std::shared_ptr<int>> taken;
  queue.take(taken);
  EXPECT_FALSE(watched.expired());
  taken.clear();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace meshnode::node
