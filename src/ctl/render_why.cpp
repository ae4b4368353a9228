#include "ctl/render_why.h"

#include <algorithm>

#include "control/printable.h"

namespace meshnode::ctl {
namespace {

using control::Cause;
using control::Explanation;
using control::printable;

std::string paragraph(const control::Verdict& verdict) {
  std::string out = printable(verdict.sentence) + " (" + std::string(name(verdict.cause)) + ")\n";
  for (const std::string& each : verdict.evidence) out += "  " + printable(each) + "\n";
  return out + "  to do: " + printable(verdict.action) + "\n";
}

std::string all_well(std::size_t peers, bool one) {
  const std::string well = "there, and as good as it can be\n";
  if (one) return "the edge is " + well;
  return peers == 1
             ? "the only edge is " + well
             : "all " + std::to_string(peers) + " edges are there, and as good as they can be\n";
}

}  // namespace

std::string render_why(const std::vector<Explanation>& explanations, bool one) {
  if (explanations.empty())
    return one ? "no edge is wanted: the first packet makes one\n"
               : "no other member is known yet: wait some seconds\n";
  std::string out;
  Cause here = Cause::none;
  std::size_t well = 0;
  for (const Explanation& each : explanations) {
    if (!each.id) here = each.verdict.cause;
    if (each.verdict.cause == Cause::none) ++well;
    if (each.verdict.cause == Cause::none || (each.id && each.verdict.cause == here)) continue;
    out += paragraph(each.verdict);
  }
  if (well == explanations.size()) return all_well(well, one);
  if (well > 0) out += std::to_string(well) + (well == 1 ? " edge is" : " edges are") + " well\n";
  return out;
}

int exit_code_of(const std::vector<Explanation>& explanations) {
  if (explanations.empty()) return static_cast<int>(control::Place::nowhere);
  int out = 0;
  for (const Explanation& each : explanations) {
    const int code = static_cast<int>(control::place_of(each.verdict));
    if (code != 0 && (out == 0 || code < out)) out = code;
  }
  return out;
}

}  // namespace meshnode::ctl
