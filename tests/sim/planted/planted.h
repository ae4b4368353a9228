// Bugs that can be switched on, in copies of production files that are made for one test program
// (plant.cmake): the simulator has to catch each of them.
#pragma once

namespace meshnode::planted {

enum class Bug {
  none,
  no_replay_mark,   // a data frame's counter is checked, but never marked
  counter_reuse,    // a rekey starts the counter anew under the old key
  roam_before_tag,  // a data frame's source is believed before its tag is
  gossip_echo,      // a record that is known is told again
  lost_tie_break,   // both sides of a glare think that theirs wins
};

inline Bug present = Bug::none;
inline bool is(Bug bug) {
  return present == bug;
}

}  // namespace meshnode::planted
