// A map for thousands of small entries that are mostly walked in order: sorted pages of neighbours
// in memory instead of a tree of single nodes. Less than a third of it stays empty on average.
//
// Iterators and references hold until the next insertion or erasure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace meshnode::discovery {

template <typename Key, typename Value>
class SortedPages {
 public:
  using value_type = std::pair<Key, Value>;
  static constexpr std::size_t kPage = 64;  // entries

 private:
  using Page = std::vector<value_type>;  // never empty

  template <typename Pages, typename Entry>
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = SortedPages::value_type;
    using difference_type = std::ptrdiff_t;
    using pointer = Entry*;
    using reference = Entry&;

    Iterator() = default;
    Iterator(Pages* pages, std::size_t page, std::size_t at)
        : pages_(pages), page_(page), at_(at) {}
    Entry& operator*() const { return (*pages_)[page_][at_]; }
    Entry* operator->() const { return &**this; }
    Iterator& operator++() {
      if (++at_ == (*pages_)[page_].size()) {
        ++page_;
        at_ = 0;
      }
      return *this;
    }
    Iterator operator++(int) {
      Iterator out = *this;
      ++*this;
      return out;
    }
    bool operator==(const Iterator&) const = default;

   private:
    friend class SortedPages;
    Pages* pages_ = nullptr;
    std::size_t page_ = 0;
    std::size_t at_ = 0;
  };

 public:
  using iterator = Iterator<std::vector<Page>, value_type>;
  using const_iterator = Iterator<const std::vector<Page>, const value_type>;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  iterator begin() { return {&pages_, 0, 0}; }
  iterator end() { return {&pages_, pages_.size(), 0}; }
  const_iterator begin() const { return {&pages_, 0, 0}; }
  const_iterator end() const { return {&pages_, pages_.size(), 0}; }

  // The first one that is not before `key`.
  iterator lower_bound(const Key& key) { return bound<iterator>(pages_, key); }
  const_iterator lower_bound(const Key& key) const { return bound<const_iterator>(pages_, key); }
  iterator find(const Key& key) {
    const iterator found = lower_bound(key);
    return found == end() || key < found->first ? end() : found;
  }
  const_iterator find(const Key& key) const {
    const const_iterator found = lower_bound(key);
    return found == end() || key < found->first ? end() : found;
  }
  // The one that is there, or a new one.
  Value& operator[](const Key& key) {
    const iterator found = lower_bound(key);
    if (found != end() && !(key < found->first)) return found->second;
    return insert(found, key);
  }
  // Returns the next one.
  iterator erase(iterator entry) {
    --size_;
    Page& page = pages_[entry.page_];
    page.erase(page.begin() + static_cast<std::ptrdiff_t>(entry.at_));
    if (page.empty()) {
      pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(entry.page_));
      return {&pages_, entry.page_, 0};
    }
    if (entry.at_ < page.size()) return entry;
    return {&pages_, entry.page_ + 1, 0};
  }

 private:
  template <typename Found, typename Pages>
  static Found bound(Pages& pages, const Key& key) {
    const auto page = std::partition_point(
        pages.begin(), pages.end(), [&](const Page& each) { return each.back().first < key; });
    const auto number = static_cast<std::size_t>(page - pages.begin());
    if (page == pages.end()) return {&pages, number, 0};
    const auto at = std::partition_point(page->begin(), page->end(),
                                         [&](const value_type& each) { return each.first < key; });
    return {&pages, number, static_cast<std::size_t>(at - page->begin())};
  }

  Value& insert(iterator before, const Key& key) {
    ++size_;
    // What comes behind all others joins the last page.
    if (before == end() && !pages_.empty())
      before = {&pages_, pages_.size() - 1, pages_.back().size()};
    if (pages_.empty()) pages_.emplace_back();
    if (pages_[before.page_].size() >= kPage) split(before);
    Page& page = pages_[before.page_];
    return page.emplace(page.begin() + static_cast<std::ptrdiff_t>(before.at_), key, Value{})
        ->second;
  }
  void split(iterator& at) {
    constexpr auto kHalf = static_cast<std::ptrdiff_t>(kPage / 2);
    Page& full = pages_[at.page_];
    Page upper(std::make_move_iterator(full.begin() + kHalf), std::make_move_iterator(full.end()));
    full.erase(full.begin() + kHalf, full.end());
    pages_.insert(pages_.begin() + static_cast<std::ptrdiff_t>(at.page_) + 1, std::move(upper));
    if (at.at_ <= kPage / 2) return;
    at.at_ -= kPage / 2;
    ++at.page_;
  }

  std::vector<Page> pages_;
  std::size_t size_ = 0;
};

}  // namespace meshnode::discovery
