// The configuration file with every option, each in a comment: what `meshnode --example-config`
// prints.
#pragma once

#include <string>

namespace meshnode::node {

std::string example_config();

}  // namespace meshnode::node
