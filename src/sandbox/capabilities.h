// Giving up capabilities.
#pragma once

namespace meshnode::sandbox {

// All of this thread's, for good as far as it does not execute a program. If it cannot, errno says
// why. Who has none succeeds, also where capset() is forbidden.
bool drop_capabilities();

}  // namespace meshnode::sandbox
