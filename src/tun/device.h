// A virtual interface, in batches: what the machine sends into the mesh is read here, what comes
// out of the mesh is written here. Layer 3: each packet is a bare IP packet.
//
// Invariants
//  1. A read packet has kFrameHeadroom bytes in front of it and at least kFrameTailroom behind it
//     in its slot's buffer, for the pump to overwrite (base/runs.h).
//  2. Nothing about one packet is fatal: it is counted and the next one is tried.
//  3. No allocation per call. Not thread-safe.
//
// One system call per packet: TUN has no batched read. The virtio-net header with its offloads
// (IFF_VNET_HDR) fits behind the same signatures: it takes 10 bytes of the headroom and fills
// TunFrame's gso and csum fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/runs.h"

namespace meshnode::tun {

// A buffer for one packet, and what was read into it.
struct ReadSlot {
  MutableBytes buffer;  // in: lent; more than kFrameHeadroom + kFrameTailroom bytes
  TunFrame frame;       // out: frame.packet begins kFrameHeadroom into `buffer`
};

// The buffer a slot needs for packets of up to `mtu` bytes.
inline constexpr std::size_t read_buffer_size(std::size_t mtu) {
  return kFrameHeadroom + mtu + kFrameTailroom;
}

struct WriteReport {
  std::size_t written = 0;
  std::size_t dropped = 0;  // link down, not an IP packet, no memory, queue full
};

class Device {
 public:
  virtual ~Device() = default;

  // Fills the first n slots and returns n; 0 when nothing waits.
  virtual std::size_t read_batch(std::span<ReadSlot> slots) = 0;
  // Writes every frame's packet in order.
  virtual WriteReport write_batch(std::span<const TunFrame> frames) = 0;

  // To watch for reading; -1 where there is none (fake device).
  virtual int fd() const = 0;
  virtual const std::string& name() const = 0;
  // Bytes of the largest packet. Asks the system, since an administrator may change it: not for
  // every packet.
  virtual std::size_t mtu() const = 0;
  // Packets read and thrown away because they did not fit into their slot.
  virtual std::uint64_t oversized() const = 0;
  // Somebody deleted the interface: the descriptor stays readable and gives nothing any more. Seen
  // by read_batch(); the host stops watching, and opens anew or ends.
  virtual bool gone() const = 0;
};

// Says in one sentence what is wrong with an interface name, or nothing.
Status check_interface_name(std::string_view name);

// Can /dev/net/tun be opened? Creates nothing. The same errors as open_device().
Status check_available();

// Creates the interface `name`; it is down and has no addresses yet (configure.h). It and all its
// addresses and routes disappear when the device is destroyed or the process dies in any way: no
// clean-up is needed, ever. (Only a persistent TUN that an administrator made beforehand stays.)
//
// Errors, each one sentence with what to do: usage for an impossible name; world for missing
// rights, a missing /dev/net/tun, and a name that is in use.
Result<std::unique_ptr<Device>> open_device(const std::string& name);

}  // namespace meshnode::tun
