// Builds a text of metrics as OpenMetrics 1.0 wants it: families with TYPE, UNIT and HELP, samples
// with labels, "# EOF" at the end. Pure. What is escaped: label values; what is replaced: bytes
// that are no UTF-8. Names and helps are literals of ours and taken as they are.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meshnode::metrics {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

class Exposition {
 public:
  // counter: samples get "_total". info: "_info", and the value 1.
  enum class Type : std::uint8_t { gauge, counter, info };

  // Begins a family; its samples follow. A `name` with a unit ends in it. No family twice.
  void family(Type type, std::string_view name, std::string_view help, std::string_view unit = {});
  template <std::unsigned_integral Int>
  void sample(const Labels& labels, Int value) {
    write(labels, std::to_string(value));
  }
  void sample(const Labels& labels, double value);
  // "# EOF" included; nothing can follow.
  std::string finish() &&;

 private:
  void write(const Labels& labels, const std::string& value);

  std::string out_;
  std::string name_;  // of samples
};

}  // namespace meshnode::metrics
