#include "sim/stories.h"

#include <memory>

#include "sim/attacker.h"
#include "sim/liar.h"

namespace meshnode::sim {
namespace {

constexpr Duration kFirst = minutes(5);  // for a mesh to come together
constexpr Duration kAgain = minutes(5);  // and to come together again

void begin(Run& run) {
  run.populate(run.nodes());
  run.start_all(seconds(5));
  run.expect_connected(kFirst);
}

constexpr milliseconds kSince1970{1'760'000'000'000};

void kill_all_hubs(Run& run) {
  for (std::size_t hub = 0; hub < run.world.directory.hubs(); ++hub) run.world.kill_hub(hub);
  run.say("all hubs are dead");
}

void end(Run& run) {
  run.expect_connected(kAgain);
  run.expect_well();
}

// A packet a second between some pairs; nothing may be lost.
struct Flow {
  HostPair pair;
  std::vector<Packets::Id> ids;
};

std::vector<Flow> draw_flows(Run& run, std::size_t count) {
  std::vector<Flow> out;
  while (out.size() < count) {
    const Host& a = run.any_host();
    const Host& b = run.any_host();
    if (&a != &b && Town::can_meet(run.world, a, b)) out.push_back({{a.index(), b.index()}, {}});
  }
  return out;
}

void pump(Run& run, std::vector<Flow>& flows, int packets) {
  for (int i = 0; i < packets; ++i) {
    for (Flow& flow : flows)
      flow.ids.push_back(
          run.world.host(flow.pair.first).send_packet(run.world.host(flow.pair.second)));
    run.world.run_for(milliseconds(100));
  }
}

void expect_nothing_lost(Run& run, const std::vector<Flow>& flows) {
  for (const Flow& flow : flows) {
    const auto lost = std::count_if(flow.ids.begin(), flow.ids.end(), [&](Packets::Id id) {
      return !run.world.packets.delivered(id);
    });
    if (lost > 0)
      run.world.complain(std::to_string(lost) + " of " + std::to_string(flow.ids.size()) +
                             " packets lost from n" + std::to_string(flow.pair.first) + " to n" +
                             std::to_string(flow.pair.second),
                         {host_owner(flow.pair.first), host_owner(flow.pair.second)});
  }
}

}  // namespace

void play_start(Run& run) {
  begin(run);
  run.expect_well();
  // The first minutes are not yet rest; with thousands a shorter look has to do.
  const Duration usual = minutes(run.nodes() <= 128 ? 30 : run.nodes() <= 512 ? 10 : 3);
  const Duration span = run.options().rest.value_or(usual);
  run.world.run_for(span);
  run.rest(span);
}

void play_hub_death(Run& run) {
  begin(run);
  auto flows = draw_flows(run, std::min<std::size_t>(run.nodes() * 2, 50));
  pump(run, flows, 20);
  // Edges on demand come with their first packets.
  for (Flow& flow : flows) flow.ids.clear();
  run.world.run_for(seconds(5));
  pump(run, flows, 20);
  kill_all_hubs(run);
  pump(run, flows, 300);
  run.world.run_for(seconds(5));
  expect_nothing_lost(run, flows);
  Host& one = run.any_host();
  one.crash();
  run.world.run_for(seconds(30));
  one.start();
  run.say("n" + std::to_string(one.index()) + " was restarted");
  end(run);
}

void play_cold_restart(Run& run) {
  begin(run);
  run.world.run_for(minutes(1));  // for their memory
  kill_all_hubs(run);
  for (std::size_t i = 0; i < run.world.size(); ++i) run.world.host(i).crash();
  run.world.run_for(seconds(20));
  run.start_all(seconds(10));
  run.say("all were restarted");
  end(run);
}

void play_partition(Run& run) {
  begin(run);
  const std::size_t half = run.world.size() / 2;
  for (HostIndex i = 0; i < half; ++i) run.world.set_side(host_owner(i), 1);
  run.world.set_side({Owner::Kind::hub, 0}, 1);
  run.world.run_for(minutes(5));
  run.world.heal();
  run.say("healed");
  end(run);
}

void play_churn(Run& run) {
  begin(run);
  const Duration pause = Duration(minutes(1)) / static_cast<std::int64_t>(run.nodes() / 5 + 1);
  for (const TimePoint stop = run.world.now() + minutes(5); run.world.now() < stop;) {
    Host* one = &run.any_host();
    if (run.chance(50))
      one->crash();
    else
      one->stop();
    run.world.at(run.world.now() + milliseconds(500 + run.draw(20'000)), [one] { one->start(); });
    run.world.run_for(pause);
  }
  run.start_all(seconds(0));
  run.say("the churn is over");
  end(run);
}

void play_restart_storm(Run& run) {
  begin(run);
  for (int i = 0; i < 3; ++i) {
    for (std::size_t n = 0; n < run.world.size(); ++n) run.world.host(n).crash();
    run.start_all(seconds(1));
    run.world.run_for(milliseconds(300 + run.draw(5000)));
  }
  run.say("the storm is over");
  end(run);
}

void play_roaming_storm(Run& run) {
  begin(run);
  for (int i = 0; i < 3; ++i) {
    for (std::size_t n = 0; n < run.world.size(); ++n)
      if (run.chance(50)) run.world.host(n).move(run.town.anywhere());
    run.world.run_for(milliseconds(200 + run.draw(20'000)));
  }
  run.say("the storm is over");
  end(run);
}

void play_loss(Run& run) {
  run.populate(run.nodes());
  run.weather(51, 5, 20, milliseconds(10));  // on two lines: a tenth
  run.start_all(seconds(5));
  run.expect_connected(kFirst);
  run.world.run_for(minutes(5));
  // The check itself wants to know whether packets can get through.
  run.weather(0, 0, 0, {});
  run.expect_well();
}

void play_clocks(Run& run) {
  run.populate(run.nodes());
  const auto draw = [&] { return milliseconds(run.draw(1'200'001)) - minutes(10); };
  for (std::size_t i = 0; i < run.world.size(); ++i) run.world.host(i).set_clock_offset(draw());
  run.start_all(seconds(5));
  run.expect_connected(kFirst);
  for (int i = 0; i < 20; ++i) {
    Host& one = run.any_host();
    const bool far = run.chance(20);
    one.set_clock_offset(far ? -kSince1970 + milliseconds(run.draw(1'000'000)) : draw());
    if (!far && run.chance(30)) {
      one.crash();
      one.start();
    }
    run.world.run_for(seconds(10));
    if (far) one.set_clock_offset(draw());
  }
  end(run);
}

void play_attacker(Run& run) {
  const Attacker attacker(run.world, 50);
  begin(run);
  auto flows = draw_flows(run, run.nodes());
  for (int i = 0; i < 10; ++i) {
    pump(run, flows, 10);
    run.world.run_for(seconds(20));
  }
  end(run);
}

void play_hostile_member(Run& run) {
  begin(run);
  const IpAddress target = run.world.add_bystander();
  std::vector<Liar> liars;
  for (std::size_t i = 0; i < run.nodes() / 10 + 1; ++i) {
    Host& host = run.world.host(i);
    host.become_liar();
    liars.emplace_back(run.world, host, target);
  }
  for (int round = 0; round < 120; ++round) {
    for (Liar& liar : liars) {
      if (round % 30 == 0) liar.listen();
      liar.speak(20);
    }
    if (round % 20 == 10) {
      Host& one = run.world.host(run.world.size() - 1 - static_cast<std::size_t>(run.draw(3)));
      one.crash();
      one.start();
    }
    run.world.run_for(seconds(1));
  }
  run.say("the liars fall silent");
  end(run);
}

void play_hostile_directory(Run& run) {
  run.world.directory.rules.stale_answers = true;
  run.world.directory.rules.noise = 20;
  run.world.directory.rules.loss_per_mille = 100;
  begin(run);
  for (int i = 0; i < 5; ++i) {
    Host& one = run.any_host();
    one.crash();
    run.world.run_for(seconds(30));
    one.start();
  }
  end(run);
}

}  // namespace meshnode::sim
