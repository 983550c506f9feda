// Text that does not change and that many hold.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace base {

// Its copies share it: each costs two pointers, however long it is. For what is the same in thousands of places (a rule of every
// registry), or is handed on from one generation to the next (a registry's body). Any thread, as a std::shared_ptr.
class SharedText {
 public:
  SharedText() = default;  // ""
  // NOLINTBEGIN(google-explicit-constructor): it stands where a string stood
  SharedText(std::string text) : text_(text.empty() ? nullptr : std::make_shared<const std::string>(std::move(text))) {}
  SharedText(const char* text) : SharedText(std::string(text)) {}
  operator std::string_view() const { return view(); }
  // NOLINTEND(google-explicit-constructor)

  std::string_view view() const { return text_ ? std::string_view(*text_) : std::string_view(); }
  std::size_t size() const { return view().size(); }
  bool empty() const { return text_ == nullptr; }
  // For parsers, which take a range of characters.
  const char* begin() const { return view().data(); }
  const char* end() const { return view().data() + size(); }

  friend bool operator==(const SharedText& a, const SharedText& b) { return a.text_ == b.text_ || a.view() == b.view(); }

 private:
  std::shared_ptr<const std::string> text_;  // null: ""
};

}  // namespace base
