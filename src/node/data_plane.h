// What is switched on of the fast data plane, and what is there of it: the fallback ladder as the
// settings, the status and the log name it.
#pragma once

#include <string>
#include <vector>

#include "control/snapshot.h"
#include "crypto/aead.h"
#include "dataplane/segment.h"
#include "io/udp_socket.h"
#include "node/config.h"
#include "node/sealing_work.h"
#include "node/sockets.h"
#include "tun/device.h"

namespace meshnode::node {

// A rung of the ladder has the name of its setting. One per setting of Config::data_plane, and
// "udp_batches", which has none.
using Ladder = std::vector<control::RungStatus>;
// `sealing`: of the thread that sends data, if there is one.
Ladder ladder_of(const DataPlane& settings, const tun::Device& device, const PortSockets& sockets,
                 const SealingReport* sealing);

// What seals and opens data frames: the fastest that there is, if it is wanted.
crypto::MakeFrameCipher frame_ciphers(const DataPlane& settings);

// A sentence for each rung that is not there, and was (or was not known) in `before`.
std::vector<std::string> lost_rungs(const Ladder& before, const Ladder& now);

// Cuts what the TUN device is refused (tun/device.h).
class SuperFrameSplitter final : public tun::Splitter {
 public:
  bool begin(const TunFrame& frame) override { return segmenter_.begin(frame); }
  MutableBytes next() override { return segmenter_.next(); }

 private:
  dataplane::Segmenter segmenter_;
};

}  // namespace meshnode::node
