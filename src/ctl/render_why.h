// What `meshctl why` says. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "control/why.h"

namespace meshnode::ctl {

// Each cause once for this machine, and for peers whatever else is wrong. `one`: a single peer was
// asked about.
std::string render_why(const std::vector<control::Explanation>& explanations, bool one);

// 0 all is as good as it can be; else the nearest place where something can be done: 3 here, 4
// there, 5 nowhere.
int exit_code_of(const std::vector<control::Explanation>& explanations);

}  // namespace meshnode::ctl
