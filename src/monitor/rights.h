// Giving up what a worker does not need: user, capabilities, system calls.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace meshnode::monitor {

inline constexpr const char* kServiceUser = "meshnode";

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
};
// The service's own user, if we are root and there is one.
std::optional<User> service_user(const char* name = kServiceUser);

// Gives the folder and the files in it to the user. False, and nothing is given, if it holds
// anything whose name is not `ours`: then it is not a folder of our own; or if the user could not
// work there, because a folder above it is closed: then it is root's again, if it was not.
bool give_folder(const std::string& path, const User& user,
                 const std::function<bool(std::string_view name)>& ours);

// For good: the user (with its groups), all capabilities, and the way back by set-user-ID programs
// (no_new_privs). Before the process has a second thread.
Status drop_rights(const std::optional<User>& user);

// From now on only the system calls that a worker makes (an allow-list) do anything; others fail
// with EPERM. No program can be started any more. Does nothing in sanitized builds.
Status filter_system_calls();

}  // namespace meshnode::monitor
