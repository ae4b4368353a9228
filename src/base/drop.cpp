#include "base/drop.h"

namespace meshnode {

std::string_view name(Drop reason) {
  switch (reason) {
    case Drop::malformed:
      return "malformed";
    case Drop::unknown_type:
      return "unknown-type";
    case Drop::unknown_tag:
      return "unknown-tag";
    case Drop::unknown_session:
      return "unknown-session";
    case Drop::bad_mac:
      return "bad-mac";
    case Drop::auth_failed:
      return "auth-failed";
    case Drop::replayed:
      return "replayed";
    case Drop::stale_number:
      return "stale-number";
    case Drop::glare:
      return "glare";
    case Drop::rate_limited:
      return "rate-limited";
    case Drop::unsolicited:
      return "unsolicited";
    case Drop::unsupported:
      return "unsupported";
    case Drop::bad_identity:
      return "bad-identity";
    case Drop::self:
      return "self";
    case Drop::not_on_link:
      return "not-on-link";
    case Drop::foreign_beacon:
      return "foreign-beacon";
    case Drop::table_full:
      return "table-full";
    case Drop::bad_packet:
      return "bad-packet";
    case Drop::spoofed_source:
      return "spoofed-source";
    case Drop::foreign_destination:
      return "foreign-destination";
    case Drop::no_route:
      return "no-route";
    case Drop::no_session:
      return "no-session";
    case Drop::too_big:
      return "too-big";
    case Drop::multicast:
      return "multicast";
    case Drop::congested:
      return "congested";
    case Drop::key_worn_out:
      return "key-worn-out";
    case Drop::bad_piece:
      return "bad-piece";
    case Drop::unassembled:
      return "unassembled";
    case Drop::tun_failed:
      return "tun-failed";
    case Drop::send_failed:
      return "send-failed";
    case Drop::underlay_loop:
      return "underlay-loop";
    case Drop::foreign_query:
      return "foreign-query";
    case Drop::count_:
      break;
  }
  return "unknown";
}

}  // namespace meshnode
