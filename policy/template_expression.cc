#include "policy/template_expression.h"

#include <charconv>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace policy {
namespace {

constexpr std::size_t kMaxQuoted = 32;  // bytes of the text that a message repeats

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordBegin(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsWord(char c) { return IsWordBegin(c) || IsDigit(c); }

using Parsed = tl::expected<TemplateExpression, std::string>;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Parsed Whole();

 private:
  Parsed Value(std::size_t nesting);
  Parsed Call(std::size_t nesting);
  Parsed String();
  Parsed Integer();
  tl::expected<void, std::string> Arguments(TemplateExpression::Call& call, std::size_t nesting);
  tl::expected<void, std::string> Keys(TemplateExpression& value, std::size_t nesting);

  void SkipSpace() {
    const std::size_t next = text_.find_first_not_of(" \t\r\n", at_);
    at_ = next == std::string_view::npos ? text_.size() : next;
  }
  bool Take(char c) {
    SkipSpace();
    const bool there = at_ < text_.size() && text_[at_] == c;
    at_ += there ? 1 : 0;
    return there;
  }
  tl::unexpected<std::string> Wrong(std::size_t position, const std::string& message) const {
    return tl::unexpected("position " + std::to_string(position + 1) + ": " + message);
  }
  tl::unexpected<std::string> Expected(const std::string& what) {
    SkipSpace();
    const std::string found =
        at_ + 1 >= text_.size() ? "the end" : "\"" + base::Printable(text_.substr(at_, text_.size() - at_ - 1), kMaxQuoted) + "\"";
    return Wrong(at_, "expected " + what + ", not " + found);
  }
  tl::unexpected<std::string> TooDeep() const {
    return Wrong(at_, "nested deeper than " + std::to_string(kMaxExpressionNesting) + " functions, Azure's limit");
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

Parsed Parser::Whole() {
  if (text_.size() > kMaxExpressionBytes) {
    return Wrong(kMaxExpressionBytes, "the expression is longer than " + std::to_string(kMaxExpressionBytes) + " bytes, Azure's limit");
  }
  at_ = 1;  // behind the bracket
  SkipSpace();
  if (!IsWordBegin(text_[at_])) {
    return Expected("a function");
  }
  Parsed value = Value(1);
  if (!value) {
    return value;
  }
  SkipSpace();
  return at_ + 1 == text_.size() ? std::move(value) : Parsed(Expected("the end of the expression"));
}

Parsed Parser::Value(std::size_t nesting) {
  SkipSpace();
  const char first = at_ < text_.size() ? text_[at_] : ']';
  if (first == '\'') {
    return String();
  }
  if (IsDigit(first) || first == '-') {
    return Integer();
  }
  return IsWordBegin(first) ? Call(nesting) : Parsed(Expected("a function, a string in single quotes or an integer"));
}

Parsed Parser::Call(std::size_t nesting) {
  if (nesting > kMaxExpressionNesting) {
    return TooDeep();
  }
  TemplateExpression value;
  value.position = at_;
  TemplateExpression::Call call;
  const std::size_t begin = at_;
  while (at_ < text_.size() && IsWord(text_[at_])) {
    ++at_;
  }
  call.function = text_.substr(begin, at_ - begin);
  if (!Take('(')) {
    return Expected("\"(\" behind the function \"" + base::Printable(call.function, kMaxQuoted) + "\"");
  }
  if (auto done = Arguments(call, nesting); !done) {
    return tl::unexpected(std::move(done.error()));
  }
  value.node = std::move(call);
  if (auto done = Keys(value, nesting); !done) {
    return tl::unexpected(std::move(done.error()));
  }
  return value;
}

tl::expected<void, std::string> Parser::Arguments(TemplateExpression::Call& call, std::size_t nesting) {
  if (Take(')')) {
    return {};
  }
  do {
    if (call.arguments.size() == kMaxFunctionArguments) {
      return Wrong(at_, "more than " + std::to_string(kMaxFunctionArguments) + " arguments, Azure's limit");
    }
    Parsed argument = Value(nesting + 1);
    if (!argument) {
      return tl::unexpected(std::move(argument.error()));
    }
    call.arguments.push_back(std::move(*argument));
  } while (Take(','));
  if (!Take(')')) {
    return Expected("\",\" or \")\"");
  }
  return {};
}

tl::expected<void, std::string> Parser::Keys(TemplateExpression& value, std::size_t nesting) {
  while (true) {
    if (Take('.')) {
      SkipSpace();
      TemplateExpression key;
      key.position = at_;
      const std::size_t begin = at_;
      while (at_ < text_.size() && IsWord(text_[at_])) {
        ++at_;
      }
      if (begin == at_) {
        return Expected("the name of a member behind \".\"");
      }
      key.node = std::string(text_.substr(begin, at_ - begin));
      value.keys.push_back(std::move(key));
      continue;
    }
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != '[') {
      return {};
    }
    ++at_;
    Parsed key = Value(nesting + 1);
    if (!key) {
      return tl::unexpected(std::move(key.error()));
    }
    value.keys.push_back(std::move(*key));
    // The last bracket of the text closes the expression, not a key.
    if (SkipSpace(); at_ + 1 >= text_.size() || !Take(']')) {
      return Expected("\"]\"");
    }
  }
}

Parsed Parser::String() {
  TemplateExpression value;
  value.position = at_;
  std::string text;
  ++at_;
  while (true) {
    const std::size_t quote = text_.find('\'', at_);
    if (quote == std::string_view::npos) {
      return Wrong(value.position, "the string has no closing quote");
    }
    text += text_.substr(at_, quote - at_);
    at_ = quote + 1;
    if (at_ >= text_.size() || text_[at_] != '\'') {
      value.node = std::move(text);
      return value;
    }
    text += '\'';  // a quote in a string is written twice
    ++at_;
  }
}

Parsed Parser::Integer() {
  TemplateExpression value;
  value.position = at_;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
  if (error != std::errc()) {
    return Wrong(at_, error == std::errc::result_out_of_range ? "the integer is too large" : "expected an integer");
  }
  at_ = static_cast<std::size_t>(end - text_.data());
  if (at_ < text_.size() && (text_[at_] == '.' || IsWord(text_[at_]))) {
    return Wrong(value.position, "expected an integer");
  }
  value.node = number;
  return value;
}

}  // namespace

bool IsTemplateExpression(std::string_view text) {
  return text.size() >= 2 && text.starts_with('[') && !text.starts_with("[[") && text.ends_with(']');
}

tl::expected<std::string, std::string> LiteralText(std::string_view text) {
  if (!text.starts_with("[[")) {
    return std::string(text);
  }
  if (!text.ends_with(']')) {
    return tl::unexpected(
        std::string("\"[[\" stands for a literal \"[\" only in a text that ends with \"]\"; write one bracket otherwise"));
  }
  return std::string(text.substr(1));
}

tl::expected<TemplateExpression, std::string> ParseTemplateExpression(std::string_view text) { return Parser(text).Whole(); }

}  // namespace policy
