// Columns for people: as wide as their widest cell, numbers right, words left.
#pragma once

#include <string>
#include <vector>

namespace meshnode::ctl {

struct Look {
  bool colour = false;
  bool terminal = false;  // it may be redrawn
};

inline constexpr const char* kUnknown = "-";
inline constexpr const char* kBold = "\033[1m";
inline constexpr const char* kDim = "\033[2m";
inline constexpr const char* kRed = "\033[31m";
inline constexpr const char* kGreen = "\033[32m";
inline constexpr const char* kYellow = "\033[33m";

// `text` is printable already.
struct Cell {
  std::string text;
  const char* colour = nullptr;
};
using Row = std::vector<Cell>;

struct Column {
  const char* heading;
  bool right = false;
};

std::string coloured(const std::string& text, const char* colour, const Look& look);
// Each row has as many cells as there are columns. Lines end with newlines.
std::string table(const std::vector<Column>& columns, const std::vector<Row>& rows,
                  const Look& look);

}  // namespace meshnode::ctl
