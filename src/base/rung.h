// One rung of the fallback ladder: something that the kernel can do for us, and whether it does.
// Each is tried at start and watched at run time; what once failed stays off.
#pragma once

#include <string>
#include <utility>

namespace meshnode {

inline constexpr const char* kSwitchedOff = "switched off";

struct Rung {
  bool active = false;
  std::string why_not;  // while not active: half a sentence for a person

  static Rung on() { return {true, {}}; }
  static Rung off(std::string why) { return {false, std::move(why)}; }
};

}  // namespace meshnode
