// A virtual interface, in batches: what the machine sends into the mesh is read here, what comes
// out of the mesh is written here. Layer 3: each frame is a bare IP packet, or a super-frame of
// many (base/gso.h).
//
// Invariants
//  1. A read packet has kFrameHeadroom bytes in front of it and at least kFrameTailroom behind it
//     in its slot's buffer, for the pump to overwrite (base/runs.h).
//  2. A written packet has kVnetHeaderSize bytes in front of it, which are overwritten.
//  3. Nothing about one packet is fatal: it is counted and the next one is tried.
//  4. No allocation per call. Not thread-safe, but one thread may read (read_batch, gone,
//     unreadable) while another one writes (write_batch, offloads).
//
// One system call per frame: TUN has no batched read.
//
// The ladder: where the kernel passes virtio-net headers (IFF_VNET_HDR), super-frames and open
// checksums go both ways; else every frame is one plain packet. A super-frame that the kernel
// refuses to take is written packet by packet, and after a few of them that kind is not tried
// again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/rung.h"
#include "base/runs.h"

namespace meshnode::tun {

// What is read at most: a super-frame, or a packet of any MTU.
inline constexpr std::size_t kLargestFrame = 65535;

// A buffer for one frame, and what was read into it.
struct ReadSlot {
  MutableBytes buffer;  // in: lent; more than kFrameHeadroom + kFrameTailroom bytes
  TunFrame frame;       // out: frame.packet begins kFrameHeadroom into `buffer`
};

// The buffer a slot needs for frames of up to `size` bytes.
inline constexpr std::size_t read_buffer_size(std::size_t size = kLargestFrame) {
  return kFrameHeadroom + size + kFrameTailroom;
}

struct WriteReport {
  std::size_t written = 0;  // writes that the kernel took: packets and super-frames
  std::size_t dropped = 0;  // link down, not an IP packet, no memory, queue full
};

// What the kernel and we agreed on.
struct Offloads {
  Rung vnet;  // frames that are read may be super-frames and have open checksums
  Rung tso;   // TCP super-frames may be written
  Rung uso;   // UDP super-frames may be written
};

// Cuts a super-frame that the kernel does not take. Lent by the host: the device knows no TCP.
class Splitter {
 public:
  virtual ~Splitter() = default;
  // False: it is not a frame.
  virtual bool begin(const TunFrame& frame) = 0;
  // The next packet, with kFrameHeadroom in front, valid until the following call; empty after the
  // last.
  virtual MutableBytes next() = 0;
};

struct DeviceOptions {
  bool offloads = true;        // virtio-net headers at all
  bool tcp_coalescing = true;  // write TCP super-frames
  bool udp_coalescing = true;  // write UDP super-frames
  // Outlives the device. Without one, what the kernel does not take is dropped.
  Splitter* splitter = nullptr;
};

class Device {
 public:
  virtual ~Device() = default;

  // Fills the first n slots and returns n; 0 when nothing waits.
  virtual std::size_t read_batch(std::span<ReadSlot> slots) = 0;
  // Writes every frame in order.
  virtual WriteReport write_batch(std::span<const TunFrame> frames) = 0;

  // Changes at run time, one way only.
  virtual const Offloads& offloads() const = 0;
  // To watch for reading; -1 where there is none (fake device).
  virtual int fd() const = 0;
  virtual const std::string& name() const = 0;
  // Bytes of the largest packet. Asks the system, since an administrator may change it: not for
  // every packet.
  virtual std::size_t mtu() const = 0;
  // Frames read and thrown away: they did not fit into their slot, or their header asks for what we
  // did not agree on.
  virtual std::uint64_t unreadable() const = 0;
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
// Offloads that the kernel refuses are no error: see offloads().
//
// Errors, each one sentence with what to do: usage for an impossible name; world for missing
// rights, a missing /dev/net/tun, and a name that is in use.
Result<std::unique_ptr<Device>> open_device(const std::string& name,
                                            const DeviceOptions& options = {});

// The same on a descriptor that an earlier process opened and that was passed on: the interface with
// its addresses never went away. Takes the descriptor, also on failure.
Result<std::unique_ptr<Device>> adopt_device(int fd, const DeviceOptions& options = {});

// The interface that a TUN descriptor is attached to; empty if it is none, or its interface is gone.
std::string interface_of(int fd);

}  // namespace meshnode::tun
