#include "monitor/rights.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/unique_fd.h"
#include "monitor/start.h"
#include "sandbox/capabilities.h"

namespace meshnode::monitor {
namespace {

Error failed(const char* what) {
  return Error::world(std::string("cannot give up ") + what + ": " +
                      std::generic_category().message(errno));
}

bool become(const User& user, const char* name) {
  return initgroups(name, user.gid) == 0 && setresgid(user.gid, user.gid, user.gid) == 0 &&
         setresuid(user.uid, user.uid, user.uid) == 0;
}

std::optional<std::vector<std::string>> names_in(int folder) {
  DIR* list = fdopendir(fcntl(folder, F_DUPFD_CLOEXEC, 0));
  if (list == nullptr) return std::nullopt;
  std::vector<std::string> out;
  while (const dirent* entry = readdir(list)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") out.push_back(name);
  }
  closedir(list);
  return out;
}

// Regular files only, with one name: nobody who owns the folder can make us give another one away.
void give_file(int folder, const std::string& name, const User& user) {
  struct stat about {};
  if (fstatat(folder, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (S_ISREG(about.st_mode) && about.st_nlink == 1)
    static_cast<void>(fchownat(folder, name.c_str(), user.uid, user.gid, AT_SYMLINK_NOFOLLOW) == 0);
}

// With its eyes for a moment.
bool can_work_in(const std::string& path, const User& user) {
  const bool tried = setegid(user.gid) == 0 && seteuid(user.uid) == 0;
  const bool open_to_it = tried && faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
  const bool back = seteuid(0) == 0 && setegid(0) == 0;
  MESH_ASSERT(back);
  return open_to_it;
}

}  // namespace

std::optional<User> service_user(const char* name) {
  if (geteuid() != 0) return std::nullopt;
  const passwd* entry = getpwnam(name);
  if (entry == nullptr || entry->pw_uid == 0) return std::nullopt;
  return User{entry->pw_uid, entry->pw_gid};
}

bool give_folder(const std::string& path, const User& user,
                 const std::function<bool(std::string_view name)>& ours) {
  const io::UniqueFd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const auto names = folder ? names_in(folder.get()) : std::nullopt;
  if (!names || !std::all_of(names->begin(), names->end(), ours)) return false;
  const auto give_to = [&](const User& owner) {
    for (const std::string& name : *names) give_file(folder.get(), name, owner);
    return fchown(folder.get(), owner.uid, owner.gid) == 0;
  };
  if (give_to(user) && can_work_in(path, user)) return true;
  give_to({});
  return false;
}

Status drop_rights(const std::optional<User>& user) {
  const pid_t parent = getppid();
  if (user && !become(*user, kServiceUser)) return failed("the rights of root");
  if (!sandbox::drop_capabilities()) return failed("capabilities");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("the way back to rights");
  if (!die_with(parent)) return Error::world("the parent process has ended");
  return success();
}

}  // namespace meshnode::monitor
