#include "tun/linux_device.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <linux/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tun/vnet_header.h"

namespace meshnode::tun {
namespace {

// Asked for the interface's MTU when the system does not tell.
constexpr std::size_t kUsualMtu = 1500;

}  // namespace

LinuxDevice::LinuxDevice(int fd, int control, std::string name, Offloads offloads,
                         Splitter* splitter)
    : fd_(fd),
      control_(control),
      name_(std::move(name)),
      offloads_(std::move(offloads)),
      splitter_(splitter),
      header_size_(offloads_.vnet.active ? kVnetHeaderSize : 0) {}

LinuxDevice::~LinuxDevice() {
  if (control_ >= 0) close(control_);
  if (fd_ >= 0) close(fd_);
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
  const MutableBytes room = slot.buffer.subspan(kFrameHeadroom - header_size_);
  const ssize_t size = read(fd_, room.data(), room.size());
  if (size < 0) {
    if (errno == EBADFD) gone_ = true;
    more = errno == EINTR;
    return false;
  }
  const auto bytes = static_cast<std::size_t>(size);
  if (bytes < header_size_ || bytes > room.size() - kFrameTailroom) {
    ++unreadable_;
    return false;
  }
  const MutableBytes packet = room.first(bytes).subspan(header_size_);
  slot.frame = {};
  slot.frame.packet = packet;
  if (header_size_ == 0 || describe(parse_vnet(room.data()), packet, slot.frame)) return true;
  ++unreadable_;
  return false;
}

WriteReport LinuxDevice::write_batch(std::span<const TunFrame> frames) {
  WriteReport report;
  for (const TunFrame& frame : frames) write_one(frame, report);
  return report;
}

// What fails here: EIO while the link is down, EINVAL for what is no IP packet, ENOBUFS and EAGAIN
// when there is no room. All of it is a lost packet, which IP knows how to live with. But EINVAL
// may also mean that this kernel does not take this kind of super-frame: then its packets go
// singly, and if they are taken, it did mean that.
void LinuxDevice::write_one(const TunFrame& frame, WriteReport& report) {
  if (frame.packet.empty()) {
    ++report.dropped;
    return;
  }
  if (!takes(frame)) return write_split(frame, report);
  const int error = write_frame(frame);
  if (error == 0) {
    ++report.written;
  } else if (error == EINVAL && frame.gso_type != kGsoNone) {
    const std::size_t before = report.written;
    write_split(frame, report);
    if (report.written > before) note_refusal(kind_of(frame));
  } else {
    ++report.dropped;
  }
}

// 0 or an errno.
int LinuxDevice::write_frame(const TunFrame& frame) {
  std::uint8_t* from = frame.packet.data() - header_size_;
  const std::size_t size = frame.packet.size() + header_size_;
  if (header_size_ != 0) write_vnet(from, vnet_header_for(frame));
  const ssize_t written = write(fd_, from, size);
  if (written == static_cast<ssize_t>(size)) return 0;
  return written < 0 ? errno : EIO;
}

void LinuxDevice::write_split(const TunFrame& frame, WriteReport& report) {
  if (splitter_ == nullptr || !splitter_->begin(frame)) {
    ++report.dropped;
    return;
  }
  for (;;) {
    TunFrame single;
    single.packet = splitter_->next();
    if (single.packet.empty()) return;
    ++(write_frame(single) == 0 ? report.written : report.dropped);
  }
}

void LinuxDevice::note_refusal(Kind& kind) {
  if (++kind.refusals < kMostRefusals) return;
  kind.rung = Rung::off("the kernel refused what was written");
}

LinuxDevice::Kind& LinuxDevice::kind_of(const TunFrame& frame) {
  return frame.gso_type == kGsoUdpL4 ? udp_ : tcp_;
}

bool LinuxDevice::takes(const TunFrame& frame) {
  if (frame.gso_type != kGsoNone) return kind_of(frame).rung.active;
  return header_size_ != 0 || !frame.needs_csum;
}

std::size_t LinuxDevice::mtu() const {
  ifreq request{};
  std::memcpy(request.ifr_name, name_.data(), std::min<std::size_t>(name_.size(), IFNAMSIZ - 1));
  if (ioctl(control_, SIOCGIFMTU, &request) != 0 || request.ifr_mtu <= 0) return kUsualMtu;
  return static_cast<std::size_t>(request.ifr_mtu);
}

}  // namespace meshnode::tun
