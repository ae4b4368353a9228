#include "ctl/table.h"

#include <algorithm>

#include "control/printable.h"

namespace meshnode::ctl {

std::string coloured(const std::string& text, const char* colour, const Look& look) {
  if (!look.colour || colour == nullptr || text.empty()) return text;
  return colour + text + "\033[0m";
}

std::string table(const std::vector<Column>& columns, const std::vector<Row>& rows,
                  const Look& look) {
  std::vector<Row> all(1);
  for (const Column& column : columns) all.front().push_back({column.heading, kBold});
  all.insert(all.end(), rows.begin(), rows.end());
  std::vector<std::size_t> widths(columns.size());
  for (const Row& row : all)
    for (std::size_t i = 0; i < columns.size(); ++i)
      widths[i] = std::max(widths[i], control::width(row[i].text));
  std::string out;
  for (const Row& row : all) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string gap(widths[i] - control::width(row[i].text), ' ');
      const std::string text = coloured(row[i].text, row[i].colour, look);
      const bool last = i + 1 == columns.size();
      out += columns[i].right ? gap + text : text + (last ? "" : gap);
      if (last && row[i].text.empty()) out.erase(out.find_last_not_of(' ') + 1);
      out += last ? "\n" : "  ";
    }
  }
  return out;
}

}  // namespace meshnode::ctl
