#include "control/server.h"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/snapshot_json.h"
#include "control/unix_socket.h"
#include "io/stream_server.h"

namespace meshnode::control {
namespace {

using io::Await, io::UniqueFd;

// ---- the socket's place in the file system

constexpr int kBacklog = 64;

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status make_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0755) == 0) {
    ::chmod(folder.c_str(), 0755);  // whatever the umask took away
    return success();
  }
  if (errno == EEXIST) return success();
  return Error::world("cannot make the folder " + folder +
                      " for the control socket: " + error_text(errno));
}

// Removes what a killed daemon left behind, and nothing else.
Status clear_the_way(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return success();
  if (!S_ISSOCK(found.st_mode))
    return Error::usage(path + " exists and is no socket: choose another path with --control");
  const int error = connect_to(stream_socket(), path);
  if (error == ENOENT) return success();
  if (error == 0 || error == EAGAIN)  // EAGAIN: it lives, and its queue is full
    return Error::world("another meshnode answers on " + path +
                        ": stop it, or run a second network beside it with another --interface");
  if (error != ECONNREFUSED)
    return Error::world("cannot tell whether another meshnode answers on " + path + ": " +
                        error_text(error));
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return success();
  return Error::world("cannot remove the stale socket " + path + ": " + error_text(errno));
}

// Opens the socket to the group, where it exists; first the group, then the mode, so that no other
// group ever has it.
void share_with_group(const std::string& path, const char* name) {
  const group* shared = ::getgrnam(name);
  if (shared == nullptr) return;
  if (::lchown(path.c_str(), static_cast<uid_t>(-1), shared->gr_gid) == 0)
    ::chmod(path.c_str(), 0660);
}

Result<UniqueFd> listen_at(const std::string& path, const char* group) {
  const auto address = unix_address(path);
  if (!address) return Error::usage("a control socket's path has 1 to 107 bytes: " + path);
  if (const auto made = make_folder(parent_of(path)); !made) return made.error();
  if (const auto clear = clear_the_way(path); !clear) return clear.error();
  UniqueFd socket = stream_socket();
  // Linux gives the new file the mode of the socket's own inode: private from its first moment.
  const auto* raw = reinterpret_cast<const sockaddr*>(&*address);
  if (::fchmod(socket.get(), 0600) != 0 || ::bind(socket.get(), raw, sizeof *address) != 0)
    return Error::world("cannot make the control socket " + path + ": " + error_text(errno));
  share_with_group(path, group);
  if (::listen(socket.get(), kBacklog) != 0)
    return Error::world("cannot listen on " + path + ": " + error_text(errno));
  return socket;
}

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileId&) const = default;
};

FileId file_id(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino};
}

// ---- the connections

// `since` is the last time that it made progress: it came, was answered, read it all.
struct Client : io::StreamClient {
  bool closing = false;  // close when all is sent
  bool watching = false;
  Ticket awaited = 0;  // an answer that is promised; 0: none

  bool request_waiting() const { return in.find('\n') != in.npos || in.size() >= kMaxRequest; }
};

class UnixServer final : public Server {
 public:
  UnixServer(std::string path, io::LoopDoor loop, Answers answers, UniqueFd listener, UniqueFd set)
      : path_(std::move(path)),
        ours_(file_id(path_)),
        answers_(std::move(answers)),
        streams_(std::move(listener), std::move(set), std::move(loop),
                 {.most = kMaxClients,
                  .now = [this] { return now_; },
                  .serve = [this](Client& client, bool gone) { return serve(client, gone); },
                  .make_room = refuse}) {}
  UnixServer(const UnixServer&) = delete;
  UnixServer& operator=(const UnixServer&) = delete;

  ~UnixServer() override {
    if (file_id(path_) == ours_) ::unlink(path_.c_str());
  }

  void tick(TimePoint now) override {
    now_ = now;
    streams_.tick([now](Client& client) {
      // A client that came before the first tick is counted from then on.
      if (client.since == TimePoint{}) client.since = now;
      const bool idle_watcher = client.watching && !client.sending();
      return !idle_watcher && now - client.since > kPatience;
    });
  }

  std::size_t clients() const override { return streams_.size(); }

  std::size_t watchers() const override {
    std::size_t count = 0;
    streams_.each([&count](const Client& client) { count += client.watching ? 1 : 0; });
    return count;
  }

  void answer(Ticket ticket, const Result<std::string>& result) override {
    streams_.each([&](Client& client) {
      if (client.awaited != ticket) return;
      client.awaited = 0;
      enqueue(client, result ? ok_line(*result) : error_line(result.error()));
    });
  }

  void drain() override {
    streams_.each([this](Client& client) {
      if (client.sending()) flush(client);
    });
  }

  void publish(std::string_view event) override {
    streams_.each([this, event](Client& client) {
      if (client.watching) enqueue_event(client, event);
    });
  }

 private:
  static void refuse(const io::StreamClient& newcomer) {
    const std::string line = error_line("too many meshctl at once: try again in a moment");
    static_cast<void>(::send(newcomer.socket.get(), line.data(), line.size(), MSG_NOSIGNAL));
  }

  void enqueue_event(Client& client, std::string_view event) {
    if (client.out.size() - client.sent + event.size() >= kMaxQueued) {
      // Its place is freed by the next turn: nothing is erased from within a call.
      client.watching = false;
      ::shutdown(client.socket.get(), SHUT_RDWR);
      return;
    }
    client.out.erase(0, std::exchange(client.sent, 0));
    if (client.out.empty()) client.since = now_;
    client.out.append(event).push_back('\n');
    streams_.await(client, Await::room);
  }

  // One step, at most one answer. False when the client is done with, one way or the other.
  bool serve(Client& client, bool gone) {
    if (client.sending()) return flush(client);
    // It waits and is told nothing: only its end can be the news. (Half an end is none.)
    if (client.watching || client.awaited != 0) return !gone;
    if (client.request_waiting()) return answer_next(client);
    std::array<char, kMaxRequest> chunk;
    const auto got = client.receive(chunk);
    if (!got) return false;
    client.in.append(*got);
    return !client.request_waiting() || answer_next(client);
  }

  bool answer_next(Client& client) {
    const auto newline = client.in.find('\n');
    if (newline >= kMaxRequest)  // or none at all
      return say(client, error_line("a request has at most 4096 bytes"), true);
    const auto request = parse_request(std::string_view(client.in).substr(0, newline));
    client.in.erase(0, newline + 1);
    if (!request) return say(client, error_line(request.error().message), true);
    return answer(client, *request);
  }

  bool answer(Client& client, const Request& request) {
    switch (request.method) {
      case Method::status:
        return say(client, whole(to_json(answers_.status())), false);
      case Method::id:
        return say(client, ok_line(to_json_string(answers_.id().to_string())), false);
      case Method::join_line:
        return say(client, ok_line(to_json(answers_.join_line())), false);
      case Method::methods:
        return say(client, ok_line(methods_json()), false);
      case Method::watch:
        client.watching = true;
        if (answers_.watched) answers_.watched();
        return say(client, ok_line("{\"stream\":\"events\"}"), false);
      default:
        return answer_other(client, request);
    }
  }

  bool answer_other(Client& client, const Request& request) {
    if (!answers_.other) return say(client, error_line("this daemon cannot tell"), false);
    // Named before the call: the answer may come from within it.
    const Ticket ticket = client.awaited = next_ticket_++;
    streams_.await(client, Await::end);
    client.since = now_;
    const Reply reply = answers_.other(request, ticket);
    if (std::holds_alternative<Later>(reply)) return true;
    client.awaited = 0;
    if (const auto* error = std::get_if<Error>(&reply))
      return say(client, error_line(*error), false);
    return say(client, whole(std::get<std::string>(reply)), false);
  }

  static std::string whole(const std::string& json) {
    std::string line = ok_line(json);
    return line.size() > kMaxAnswer ? error_line("the answer is too large") : line;
  }

  void enqueue(Client& client, std::string line) {
    client.out = std::move(line);
    client.sent = 0;
    client.since = now_;
    streams_.await(client, Await::room);
  }

  bool say(Client& client, std::string line, bool then_close) {
    enqueue(client, std::move(line));
    client.closing = then_close;
    return flush(client);
  }

  bool flush(Client& client) {
    const auto taken = client.send_some();
    if (!taken || *taken == 0) return taken.has_value();
    if (client.watching) client.since = now_;
    if (client.sending()) return true;
    if (client.closing) return false;
    client.out.clear();
    client.sent = 0;
    client.since = now_;
    // A request that was read already waits for the next turn, which writability brings.
    streams_.await(client, client.watching            ? Await::end
                           : client.request_waiting() ? Await::room
                                                      : Await::input);
    return true;
  }

  std::string path_;
  FileId ours_;
  Answers answers_;
  TimePoint now_{};
  Ticket next_ticket_ = 1;
  io::StreamServer<Client> streams_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::open(const std::string& path, io::LoopDoor loop,
                                             Answers answers, const char* group) {
  auto listener = listen_at(path, group);
  if (!listener) return listener.error();
  UniqueFd set = io::StreamSet::make();
  if (!set) return Error::world("cannot watch the control socket: " + error_text(errno));
  return std::unique_ptr<Server>(std::make_unique<UnixServer>(
      path, std::move(loop), std::move(answers), std::move(*listener), std::move(set)));
}

}  // namespace meshnode::control
