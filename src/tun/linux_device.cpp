#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tun/device.h"

namespace meshnode::tun {
namespace {

// Asked for the interface's MTU when the system does not tell.
constexpr std::size_t kUsualMtu = 1500;

class LinuxDevice final : public Device {
 public:
  // Owns both descriptors. `control` is any socket made in the interface's network namespace.
  LinuxDevice(int fd, int control) : fd_(fd), control_(control) {}
  ~LinuxDevice() override {
    if (control_ >= 0) close(control_);
    if (fd_ >= 0) close(fd_);
  }
  LinuxDevice(const LinuxDevice&) = delete;
  LinuxDevice& operator=(const LinuxDevice&) = delete;

  std::size_t read_batch(std::span<ReadSlot> slots) override;
  WriteReport write_batch(std::span<const TunFrame> frames) override;
  int fd() const override { return fd_; }
  const std::string& name() const override { return name_; }
  std::size_t mtu() const override;
  std::uint64_t oversized() const override { return oversized_; }
  bool gone() const override { return gone_; }

  void set_name(std::string name) { name_ = std::move(name); }

 private:
  bool read_one(ReadSlot& slot, bool& more);

  int fd_;
  int control_;
  std::string name_;
  std::uint64_t oversized_ = 0;
  bool gone_ = false;
};

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::memcpy(request.ifr_name, name.data(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1));
  return request;
}

std::size_t LinuxDevice::read_batch(std::span<ReadSlot> slots) {
  std::size_t filled = 0;
  for (bool more = true; more && filled < slots.size();)
    if (read_one(slots[filled], more)) ++filled;
  return filled;
}

// The kernel cuts a packet that is larger than the buffer without telling; so the read may run into
// the tailroom, and what does is too large.
bool LinuxDevice::read_one(ReadSlot& slot, bool& more) {
  MESH_ASSERT(slot.buffer.size() > kFrameHeadroom + kFrameTailroom);
  const MutableBytes room = slot.buffer.subspan(kFrameHeadroom);
  const ssize_t size = read(fd_, room.data(), room.size());
  if (size < 0) {
    if (errno == EBADFD) gone_ = true;
    more = errno == EINTR;
    return false;
  }
  slot.frame = {};
  slot.frame.packet = room.first(static_cast<std::size_t>(size));
  if (slot.frame.packet.size() <= room.size() - kFrameTailroom) return true;
  ++oversized_;
  return false;
}

// What fails here: EIO while the link is down, EINVAL for what is no IP packet, ENOBUFS and EAGAIN
// when there is no room. All of it is a lost packet, which IP knows how to live with.
WriteReport LinuxDevice::write_batch(std::span<const TunFrame> frames) {
  WriteReport report;
  for (const TunFrame& frame : frames) {
    const ssize_t size = write(fd_, frame.packet.data(), frame.packet.size());
    if (size == static_cast<ssize_t>(frame.packet.size()))
      ++report.written;
    else
      ++report.dropped;
  }
  return report;
}

std::size_t LinuxDevice::mtu() const {
  ifreq request = request_for(name_);
  if (ioctl(control_, SIOCGIFMTU, &request) != 0 || request.ifr_mtu <= 0) return kUsualMtu;
  return static_cast<std::size_t>(request.ifr_mtu);
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
      return Error::world("cannot open /dev/net/tun: " + std::system_category().message(error));
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
      return Error::world("cannot create interface " + name + ": " +
                          std::system_category().message(error));
  }
}

}  // namespace

Status check_available() {
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return open_error(errno);
  close(fd);
  return success();
}

Result<std::unique_ptr<Device>> open_device(const std::string& name) {
  if (Status valid = check_interface_name(name); !valid) return valid.error();
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return open_error(errno);
  const int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  auto device = std::make_unique<LinuxDevice>(fd, control);
  ifreq request = request_for(name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;  // IFF_VNET_HDR comes here, if the kernel takes it
  if (ioctl(fd, TUNSETIFF, &request) != 0) return attach_error(name, errno);
  device->set_name(request.ifr_name);
  return std::unique_ptr<Device>(std::move(device));
}

}  // namespace meshnode::tun
