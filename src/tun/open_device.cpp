// Opening a LinuxDevice: 1 attach with virtio-net headers, or plainly where they are refused →
// 2 checksums and TCP super-frames, or the plain device after all → 3 UDP super-frames, or without.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tun/linux_device.h"
#include "tun/vnet_header.h"

namespace meshnode::tun {
namespace {

// Linux 6.2; the kernel takes both or none.
constexpr unsigned kUso4 = 0x20;
constexpr unsigned kUso6 = 0x40;
constexpr unsigned kTso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

std::string system_text(int error) {
  return std::system_category().message(error);
}

Error open_error(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return Error::world(
          "opening /dev/net/tun is not allowed: run as root or with CAP_NET_ADMIN (in a container, "
          "also with --device /dev/net/tun)");
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return Error::world(
          "/dev/net/tun is missing: load it with \"modprobe tun\" (in a container, start it with "
          "--device /dev/net/tun)");
    default:
      return Error::world("cannot open /dev/net/tun: " + system_text(error));
  }
}

Error attach_error(const std::string& name, int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return Error::world("creating interface " + name + " needs root or CAP_NET_ADMIN");
    case EBUSY:
      return Error::world("interface " + name + " is in use by another program");
    case EINVAL:
    case EEXIST:
      return Error::world("an interface " + name +
                          " of another kind exists: choose another name or remove it");
    default:
      return Error::world("cannot create interface " + name + ": " + system_text(error));
  }
}

// A descriptor on the way into a LinuxDevice.
class Attached {
 public:
  Attached() = default;
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;
  ~Attached() { reset(); }

  // The interface's real name is in `name` afterwards.
  Status attach(std::string& name, bool vnet) {
    reset();
    fd_ = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd_ < 0) return open_error(errno);
    ifreq request{};
    std::memcpy(request.ifr_name, name.data(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1));
    request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | (vnet ? IFF_VNET_HDR : 0));
    if (ioctl(fd_, TUNSETIFF, &request) != 0) return attach_error(name, errno);
    name = request.ifr_name;
    return success();
  }
  // On one that is attached already.
  void take(int fd) {
    reset();
    fd_ = fd;
  }
  // 0 or an errno.
  int agree_on_headers() {
    int size = kVnetHeaderSize;
    return ioctl(fd_, TUNSETVNETHDRSZ, &size) == 0 ? 0 : errno;
  }
  int agree_on(unsigned offloads) {
    return ioctl(fd_, TUNSETOFFLOAD, static_cast<unsigned long>(offloads)) == 0 ? 0 : errno;
  }
  int release() { return std::exchange(fd_, -1); }

 private:
  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  int fd_ = -1;
};

Rung refused(const char* what, int error) {
  return Rung::off(std::string("the kernel refuses ") + what + ": " + system_text(error));
}

Offloads none(const Rung& why) {
  return {why, why, why};
}

// The ladder on an attached descriptor; vnet is off if it has to be attached again without.
Offloads agree(Attached& tun, const DeviceOptions& options) {
  if (const int error = tun.agree_on_headers(); error != 0)
    return none(refused("10-byte headers on the interface", error));
  if (const int error = tun.agree_on(kTso); error != 0)
    return none(refused("checksum and TCP offload", error));
  Offloads out{Rung::on(), Rung::on(), Rung::on()};
  if (const int error = tun.agree_on(kTso | kUso4 | kUso6); error != 0)
    out.uso = refused("UDP offload", error);
  if (!options.tcp_coalescing) out.tso = Rung::off(kSwitchedOff);
  if (!options.udp_coalescing) out.uso = Rung::off(kSwitchedOff);
  return out;
}

Result<Offloads> attach(Attached& tun, std::string& name, const DeviceOptions& options) {
  Offloads offloads = none(Rung::off(kSwitchedOff));
  if (options.offloads) {
    if (const Status done = tun.attach(name, true); done)
      offloads = agree(tun, options);
    else
      offloads = none(Rung::off("the kernel refuses headers on the interface"));
  }
  if (offloads.vnet.active) return offloads;
  if (Status done = tun.attach(name, false); !done) return done.error();
  return offloads;
}

// Whether frames have headers was settled when the interface was made.
Offloads agree_again(Attached& tun, bool headers, const DeviceOptions& options) {
  if (!headers) return none(Rung::off("the interface was made without headers"));
  if (options.offloads) return agree(tun, options);
  tun.agree_on_headers();
  tun.agree_on(0);
  return {Rung::on(), Rung::off(kSwitchedOff), Rung::off(kSwitchedOff)};
}

std::optional<ifreq> attached_to(int fd) {
  ifreq request{};
  if (ioctl(fd, TUNGETIFF, &request) != 0) return std::nullopt;
  return request;
}

std::unique_ptr<Device> make_device(Attached& tun, std::string name, Offloads offloads,
                                    Splitter* splitter) {
  const int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return std::make_unique<LinuxDevice>(tun.release(), control, std::move(name),
                                       std::move(offloads), splitter);
}

}  // namespace

Status check_available() {
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return open_error(errno);
  close(fd);
  return success();
}

Result<std::unique_ptr<Device>> open_device(const std::string& name, const DeviceOptions& options) {
  if (Status valid = check_interface_name(name); !valid) return valid.error();
  Attached tun;
  std::string real_name = name;
  auto offloads = attach(tun, real_name, options);
  if (!offloads) return offloads.error();
  return make_device(tun, std::move(real_name), std::move(*offloads), options.splitter);
}

std::string interface_of(int fd) {
  const auto attached = attached_to(fd);
  return attached ? attached->ifr_name : "";
}

Result<std::unique_ptr<Device>> adopt_device(int fd, const DeviceOptions& options) {
  Attached tun;
  tun.take(fd);
  const auto attached = attached_to(fd);
  if (!attached) return Error::world("the interface that was kept is gone");
  fcntl(fd, F_SETFL, O_NONBLOCK);
  const bool headers = (attached->ifr_flags & IFF_VNET_HDR) != 0;
  return make_device(tun, attached->ifr_name, agree_again(tun, headers, options),
                     options.splitter);
}

}  // namespace meshnode::tun
