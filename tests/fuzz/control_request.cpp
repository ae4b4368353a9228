#include "control/printable.h"
#include "control/protocol.h"
#include "control/reports_json.h"
#include "control/snapshot_json.h"
#include "fuzz/fuzz.h"

namespace meshnode::fuzz {
namespace {

void request(std::string_view text) {
  const auto method = control::parse_request(text);
  if (!method) return;
  const auto again = control::parse_request(control::request_line(method.value()));
  MESH_ASSERT(again && again.value() == method.value());
}

// What was once read is written and read again without a change.
void snapshot(std::string_view text) {
  const auto first = control::from_json(text);
  if (!first) return;
  const std::string written = control::to_json(first.value());
  const auto again = control::from_json(written);
  MESH_ASSERT(again.ok());
  MESH_ASSERT(control::to_json(again.value()) == written);
}

template <typename Read>
void report(std::string_view text, Read read) {
  const auto first = read(text);
  if (!first) return;
  const std::string written = control::to_json(first.value());
  const auto again = read(written);
  MESH_ASSERT(again.ok());
  MESH_ASSERT(control::to_json(again.value()) == written);
}

void reports(std::string_view text) {
  report(text, control::peers_from_json);
  report(text, control::details_from_json);
  report(text, control::ping_from_json);
  report(text, control::trace_from_json);
  report(text, control::edges_from_json);
  report(text, control::event_from_json);
}

void answer(std::string_view text) {
  const auto result = control::parse_answer(text);
  if (!result) return;
  const auto again = control::parse_answer(control::ok_line(result.value()));
  MESH_ASSERT(again && again.value() == result.value());
  MESH_ASSERT(result.value().find('\n') == std::string::npos);
  (void)control::pretty(result.value());
  snapshot(result.value());
  if (const auto line = control::join_line_from_json(result.value())) {
    const auto same_line = control::join_line_from_json(control::to_json(line.value()));
    MESH_ASSERT(same_line && same_line.value().token == line.value().token);
  }
  if (const auto word = control::string_from_json(result.value()))
    MESH_ASSERT(control::to_json_string(word.value()) == result.value());
}

}  // namespace

void one_input(ByteView input) {
  const std::string_view text = as_text(input);
  request(text);
  answer(text);
  snapshot(text);
  reports(text);
  // Any bytes become one line.
  const std::string error = control::error_line(text);
  MESH_ASSERT(error.find('\n') == error.size() - 1);
  MESH_ASSERT(!control::parse_answer(error));
}

}  // namespace meshnode::fuzz
