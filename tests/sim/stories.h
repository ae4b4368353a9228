// The plots of the scenarios; see scenario.cpp for what each is about.
#pragma once

#include "sim/scenario.h"

namespace meshnode::sim {

void play_start(Run& run);
void play_turbulence(Run& run);
void play_hub_death(Run& run);
void play_cold_restart(Run& run);
void play_partition(Run& run);
void play_churn(Run& run);
void play_restart_storm(Run& run);
void play_roaming_storm(Run& run);
void play_loss(Run& run);
void play_clocks(Run& run);
void play_attacker(Run& run);
void play_hostile_member(Run& run);
void play_hostile_directory(Run& run);

}  // namespace meshnode::sim
