#include "io/log_format.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace meshnode::io {
namespace {

constexpr std::array<std::pair<std::string_view, LogFormat>, 3> kFormats{
    {{"text", LogFormat::text}, {"key=value", LogFormat::key_value}, {"json", LogFormat::json}}};

// C0, DEL, and C1, which terminals obey, too: U+009B is ESC [. `character`: valid UTF-8.
bool is_control(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  return byte(0) == 0xc2 && byte(1) < 0xa0;
}

// Bounded, valid UTF-8 on one line: nobody's name begins a line of its own.
std::string clean(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = utf8_size(text);
    if (out.size() + size > kMaxLogText) return out + "…";
    if (size == 0 || is_control(text.substr(0, size)))
      out += '?';
    else
      out += text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : clean(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// Quotes only where they are needed.
std::string value(std::string_view text) {
  const bool simple = !text.empty() && text.find_first_of(" \"\\=") == text.npos;
  return simple ? clean(text) : quoted(text);
}

using Field = std::pair<std::string_view, std::string>;

std::vector<Field> fields_of(const LogEntry& entry) {
  std::vector<Field> out;
  for (const LogPiece& piece : entry.line.pieces())
    if (piece.key() != nullptr && (entry.addresses || piece.kind() != LogPiece::Kind::address))
      out.emplace_back(piece.key(), piece.text());
  return out;
}

std::string as_text(const LogEntry& entry, bool level) {
  std::string out;
  if (level) out += std::string(name(entry.level)) + " ";
  out += std::string(name(entry.module)) + ": " + clean(entry.line.text(entry.addresses));
  if (entry.held_back > 0)
    out += " (" + std::to_string(entry.held_back) + " more like this held back)";
  return out;
}

std::string as_key_value(const LogEntry& entry) {
  std::string out = "level=" + std::string(name(entry.level)) +
                    " module=" + std::string(name(entry.module)) +
                    " msg=" + quoted(entry.line.text(entry.addresses));
  for (const auto& [key, text] : fields_of(entry))
    out += " " + std::string(key) + "=" + value(text);
  if (entry.held_back > 0) out += " held_back=" + std::to_string(entry.held_back);
  return out;
}

std::string as_json(const LogEntry& entry) {
  std::string out = "{\"level\":\"" + std::string(name(entry.level)) + "\",\"module\":\"" +
                    std::string(name(entry.module)) +
                    "\",\"msg\":" + quoted(entry.line.text(entry.addresses));
  for (const auto& [key, text] : fields_of(entry))
    out += ",\"" + std::string(key) + "\":" + quoted(text);
  if (entry.held_back > 0) out += ",\"held_back\":" + std::to_string(entry.held_back);
  return out + "}";
}

std::string rendered(LogFormat format, const LogEntry& entry, bool level) {
  switch (format) {
    case LogFormat::key_value:
      return as_key_value(entry);
    case LogFormat::json:
      return as_json(entry);
    case LogFormat::text:
      break;
  }
  return as_text(entry, level);
}

// sd-daemon(3): syslog's priorities.
char priority(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return '3';
    case LogLevel::warn:
      return '4';
    case LogLevel::info:
      return '6';
    default:
      return '7';
  }
}

}  // namespace

std::optional<LogFormat> parse_log_format(std::string_view word) {
  for (const auto& [known, format] : kFormats)
    if (known == word) return format;
  return std::nullopt;
}

std::string_view name(LogFormat format) {
  return kFormats[static_cast<std::size_t>(format)].first;
}

std::string render(LogFormat format, const LogEntry& entry) {
  return rendered(format, entry, true);
}

std::string render_for_journal(LogFormat format, const LogEntry& entry) {
  return std::string("<") + priority(entry.level) + ">" + rendered(format, entry, false);
}

}  // namespace meshnode::io
