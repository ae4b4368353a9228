// Everything that can happen to a mesh, at once, by lot.
#include <memory>

#include "sim/attacker.h"
#include "sim/stories.h"

namespace meshnode::sim {
namespace {

class Turbulence {
 public:
  explicit Turbulence(Run& run) : run_(run), world_(run.world) {}

  void happen() {
    switch (run_.draw(12)) {
      case 0:
      case 1:
        return restart(run_.any_host());
      case 2:
      case 3:
        return run_.any_host().move(run_.town.anywhere());
      case 4:
        return rebind();
      case 5:
        return nap(run_.any_host());
      case 6:
        return hub();
      case 7:
        return weather();
      case 8:
        return part();
      case 9:
        return unplug(run_.any_host());
      case 10:
        return clock(run_.any_host());
      default:
        return talk();
    }
  }
  void talk() {
    for (int i = 0; i < 8; ++i) {
      Host& from = run_.any_host();
      Host& to = run_.any_host();
      if (&from == &to) continue;
      from.send_packet(to, run_.draw(1200));
      if (run_.chance(50)) to.send_packet(from, run_.draw(1200));
    }
  }
  void end() {
    run_.weather(0, 0, 0, {});
    world_.heal();
    for (std::size_t hub = 0; hub < world_.directory.hubs(); ++hub)
      if (!world_.directory.up(hub)) world_.start_hub(hub);
    for (std::size_t i = 0; i < world_.size(); ++i) {
      Host& host = world_.host(i);
      if (!host.running()) host.start();
      if (!host.awake()) host.wake_up();
      for (std::size_t card = 0; card < host.cards().size(); ++card)
        if (!host.cards()[card].up) host.set_up(card, true);
    }
  }

 private:
  void later(Duration longest, std::function<void()> work) {
    const auto ms = static_cast<std::uint64_t>(longest / milliseconds(1));
    world_.at(world_.now() + milliseconds(run_.draw(ms)), std::move(work));
  }
  void restart(Host& host) {
    if (!host.running()) return;
    if (run_.chance(30))
      host.stop();
    else
      host.crash();
    const auto memory = run_.chance(20) ? Host::Memory::lost : Host::Memory::kept;
    later(seconds(40), [&host, memory] { host.start(memory); });
  }
  void rebind() {
    if (world_.network.nats() == 0) return;
    const auto id = static_cast<NatId>(run_.draw(world_.network.nats()));
    Nat& nat = world_.network.nat(id);
    world_.trace.note(world_.now(), {Owner::Kind::nat, id}, "forgets");
    if (run_.chance(50) && !nat.outside().is_private())
      world_.network.renumber(world_.now(), id, world_.fresh_public_address());
    else
      nat.forget(world_.now());
  }
  void nap(Host& host) {
    if (!host.awake()) return;
    host.sleep();
    later(seconds(run_.chance(20) ? 600 : 60), [&host] {
      if (!host.awake() && host.running()) host.wake_up();
    });
  }
  void hub() {
    const auto hub = static_cast<std::size_t>(run_.draw(world_.directory.hubs()));
    if (world_.directory.up(hub))
      world_.kill_hub(hub);
    else
      world_.start_hub(hub);
  }
  void weather() {
    run_.weather(static_cast<unsigned>(run_.draw(100)), static_cast<unsigned>(run_.draw(60)),
                 static_cast<unsigned>(run_.draw(100)), milliseconds(run_.draw(40)));
  }
  void part() {
    for (HostIndex i = 0; i < world_.size(); ++i)
      world_.set_side(host_owner(i), static_cast<unsigned>(run_.draw(2)));
    later(seconds(30), [this] { world_.heal(); });
  }
  void unplug(Host& host) {
    host.set_up(0, false);
    later(seconds(20), [&host] { host.set_up(0, true); });
  }
  void clock(Host& host) {
    host.set_clock_offset(milliseconds(run_.draw(1'200'001)) - minutes(10));
  }

  Run& run_;
  World& world_;
};

}  // namespace

void play_turbulence(Run& run) {
  const Attacker attacker(run.world, 20);
  run.populate(run.nodes());
  Turbulence turbulence(run);
  run.start_all(seconds(5));
  run.world.run_for(milliseconds(run.draw(10'000)));
  const Duration pause = Duration(seconds(20)) / static_cast<std::int64_t>(run.nodes() + 1);
  for (const TimePoint stop = run.world.now() + minutes(4); run.world.now() < stop;) {
    turbulence.happen();
    if (run.chance(30)) turbulence.talk();
    run.world.run_for(pause / 2 + milliseconds(run.draw(
                                      static_cast<std::uint64_t>(pause / milliseconds(1)) + 1)));
  }
  // What is still to come back by itself does so later, which harms nobody.
  run.world.run_for(seconds(60));
  turbulence.end();
  run.say("calm");
  run.expect_connected(minutes(12));
  run.expect_well();
}

}  // namespace meshnode::sim
