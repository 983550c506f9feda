#include "base/yaml.h"

#include <algorithm>
#include <array>
#include <exception>
#include <istream>
#include <map>
#include <optional>
#include <streambuf>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/utf8.h"

namespace base {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Thrown through yaml-cpp when reading on is of no use; the problem has been reported.
struct Stop {};

struct Rules {
  bool manifests = false;           // several documents, aliases, `<<`
  std::size_t max_nodes = 0;        // copies by aliases count
  std::size_t max_copied_text = 0;  // bytes that aliases may copy: many aliases of one long text are a bomb too
};

// The text as a stream, without a copy.
class TextBuffer final : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // streambuf's get area is never written through
    setg(begin, begin, begin + text.size());
  }
};

// What yaml-cpp says, in words that help who wrote the file.
std::string Explain(const std::string& message) {
  struct Words {
    const char* theirs;
    const char* ours;
  };
  static const std::array<Words, 11> kWords = {{
      {YAML::ErrorMsg::MAP_VALUE,
       "unexpected ':'; a value that contains ': ' must be quoted, and the keys of one mapping must begin in the same column"},
      {YAML::ErrorMsg::END_OF_MAP, "expected the next key of the mapping or its end; look at the indentation and the quotes"},
      {YAML::ErrorMsg::END_OF_SEQ, "expected the next '-' of the list or its end; look at the indentation and the quotes"},
      {YAML::ErrorMsg::END_OF_MAP_FLOW, "a '{' is not closed, or a ',' is missing in it"},
      {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a '[' is not closed, or a ',' is missing in it"},
      {YAML::ErrorMsg::FLOW_END, "a ']' or '}' that nothing opened"},
      {YAML::ErrorMsg::TAB_IN_INDENTATION, "a tab in the indentation; YAML is indented with spaces"},
      {YAML::ErrorMsg::BLOCK_ENTRY, "a list item may not begin here; put its '-' on a line of its own"},
      {YAML::ErrorMsg::EOF_IN_SCALAR, "a quoted text is not closed"},
      {YAML::ErrorMsg::UNKNOWN_TOKEN, "a value may not begin with this character; quote the value"},
      {YAML::ErrorMsg::UNKNOWN_ANCHOR, "an alias of an anchor that does not exist; quote the value if it begins with '*'"},
  }};
  for (const Words& words : kWords) {
    if (message == words.theirs) {
      return words.ours;
    }
  }
  return message;
}

// yaml-cpp takes a quoted text that the file's end cuts off for a whole one. `text` begins with the quote.
bool IsClosed(std::string_view text) {
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) {
        return true;
      }
      ++i;
    }
  }
  return false;
}

bool IsBreakOrSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool IsMergeKey(const YamlNode& key) { return key.text == "<<" && !key.quoted; }

// What may stand in a text or a scalar: neither control characters nor invalid UTF-8. The offset of the first thing that
// may not.
std::optional<std::size_t> FindUnfit(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x80) {
      const Utf8Character next = DecodeUtf8(text.substr(i));
      if (!next.valid) {
        return i;
      }
      i += next.bytes;
      continue;
    }
    const bool carriage_return_alone = byte == '\r' && (i + 1 == text.size() || text[i + 1] != '\n');
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f || carriage_return_alone) {
      return i;
    }
    ++i;
  }
  return std::nullopt;
}

// Builds the trees from yaml-cpp's events.
class Reader final : public YAML::EventHandler {
 public:
  Reader(std::string_view text, std::string_view file, const Rules& rules) : text_(text), file_(file), rules_(rules) {}

  Loaded<std::vector<YamlNode>> Read() {
    try {
      TextBuffer buffer(text_);
      std::istream stream(&buffer);
      YAML::Parser parser(stream);
      while (parser.HandleNextDocument(*this)) {
      }
    } catch (const Stop&) {
      // reported already
    } catch (const YAML::Exception& e) {
      problems_.push_back({std::string(file_), e.mark.line + 1, e.mark.column + 1, Explain(e.msg)});
    } catch (const std::exception& e) {
      problems_.push_back({std::string(file_), 0, 0, std::string("could not be read: ") + e.what()});
    }
    if (!problems_.empty()) {
      SortByPlace(problems_);
      return tl::unexpected(std::move(problems_));
    }
    return std::move(documents_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (begun_) {
      if (!BeginsByMarker(mark)) {
        Fail(mark, "expected the end of the file; is this line indented less than the first one?");
      }
      if (!rules_.manifests) {
        Fail(mark, "a second document begins here; expected one alone");
      }
    }
    begun_ = true;
    anchors_.clear();
  }

  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Properties(mark, "", anchor);
    Finish(NodeAt(mark, YamlNode::Kind::kNull), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node = NodeAt(mark, YamlNode::Kind::kNull);
    if (!rules_.manifests) {
      Add(mark, "an alias ('*'): write the value out, or quote it if it is a text");
    } else if (const auto found = anchors_.find(anchor); found != anchors_.end()) {
      Pay(found->second.nodes, found->second.text, node);
      if (open_.size() + found->second.depth > kMaxYamlDepth) {
        Fail(mark, "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels by aliases");
      }
      node = found->second.node;
    } else {
      Fail(mark, "an alias within its own anchor");
    }
    Finish(std::move(node), 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    Properties(mark, tag, anchor);
    YamlNode node = NodeAt(mark, YamlNode::Kind::kScalar);
    node.text = value;
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (FindUnfit(value)) {
      Add(mark, "a control character in a text");
    }
    CheckClosed(mark);
    Finish(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kMapping);
  }
  void OnMapEnd() override {
    YamlNode& mapping = open_.back().node;
    RefuseDuplicates(mapping);
    if (rules_.manifests) {
      Merge(mapping);
    }
    Close();
  }

 private:
  struct OpenNode {
    YamlNode node;
    std::optional<YamlNode> key;  // of a mapping's member whose value comes next
    YAML::anchor_t anchor = 0;
  };

  // A node with an anchor, measured so that copies of it (this is one) are paid for before they are made.
  struct Anchored {
    YamlNode node;
    std::size_t nodes = 0;
    std::size_t text = 0;
    std::size_t depth = 0;
  };

  void AddAt(int line, int column, std::string message) {
    problems_.push_back({std::string(file_), line, column, std::move(message)});
    if (problems_.size() == kMaxYamlProblems) {
      problems_.push_back({std::string(file_), line, column, "too many problems; the rest of the file was not looked at"});
      throw Stop{};
    }
  }
  void Add(const YAML::Mark& mark, std::string message) { AddAt(mark.line + 1, mark.column + 1, std::move(message)); }

  [[noreturn]] void Fail(const YAML::Mark& mark, std::string message) {
    Add(mark, std::move(message));
    throw Stop{};
  }

  YamlNode NodeAt(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    Pay(1, 0, node);
    return node;
  }

  void Pay(std::size_t nodes, std::size_t copied_text, const YamlNode& at) {
    nodes_ += nodes;
    copied_text_ += copied_text;
    if (nodes_ > rules_.max_nodes) {
      AddAt(at.line, at.column, "more than " + std::to_string(rules_.max_nodes) + " values in the file");
      throw Stop{};
    }
    if (copied_text_ > rules_.max_copied_text) {
      AddAt(at.line, at.column, "anchors and aliases that stand for more than " + std::to_string(rules_.max_copied_text) + " bytes");
      throw Stop{};
    }
  }

  // "?" is what yaml-cpp calls a plain node, "!" a quoted one or the tag "!" itself.
  void Properties(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (!rules_.manifests && anchor != 0) {
      Add(mark, "an anchor ('&'): write the value out where it is needed, or quote it if it is a text");
    }
    const bool tagged = !tag.empty() && tag != "?" && (tag != "!" || At(mark, '!'));
    if (tagged && !(rules_.manifests && tag == "tag:yaml.org,2002:str")) {
      Add(mark, "a tag ('!'): expected a plain value; quote it if it is a text");
    }
  }

  bool At(const YAML::Mark& mark, char c) const {
    const auto offset = static_cast<std::size_t>(mark.pos);
    return offset < text_.size() && text_[offset] == c;
  }

  void CheckClosed(const YAML::Mark& mark) {
    std::string_view rest = text_.substr(std::min(static_cast<std::size_t>(mark.pos), text_.size()));
    while (!rest.empty() && (rest.front() == '!' || rest.front() == '&')) {
      const auto space = std::find_if(rest.begin(), rest.end(), IsBreakOrSpace);
      const auto next = std::find_if_not(space, rest.end(), IsBreakOrSpace);
      rest.remove_prefix(static_cast<std::size_t>(next - rest.begin()));
    }
    if (!rest.empty() && (rest.front() == '"' || rest.front() == '\'') && !IsClosed(rest)) {
      Fail(mark, Explain(YAML::ErrorMsg::EOF_IN_SCALAR));
    }
  }

  // yaml-cpp begins another document wherever the first one's root is complete; YAML wants "---", or "..." before it.
  bool BeginsByMarker(const YAML::Mark& mark) const {
    const auto offset = std::min(static_cast<std::size_t>(mark.pos), text_.size());
    if (mark.column == 0 && text_.substr(offset).starts_with("---")) {
      return true;
    }
    std::string_view before = text_.substr(0, offset);
    while (!before.empty()) {
      const std::size_t line_break = before.rfind('\n');
      const std::string_view line = line_break == std::string_view::npos ? before : before.substr(line_break + 1);
      const auto first = std::find_if_not(line.begin(), line.end(), IsBreakOrSpace);
      if (first != line.end() && *first != '#' && *first != '%') {
        return line.starts_with("...");
      }
      before = line_break == std::string_view::npos ? std::string_view() : before.substr(0, line_break);
    }
    return false;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    Properties(mark, tag, anchor);
    if (open_.size() >= kMaxYamlDepth) {
      Fail(mark, "nested deeper than " + std::to_string(kMaxYamlDepth) + " levels");
    }
    open_.push_back({NodeAt(mark, kind), std::nullopt, anchor});
  }

  void Close() {
    OpenNode closed = std::move(open_.back());
    open_.pop_back();
    Finish(std::move(closed.node), closed.anchor);
  }

  // The node is complete: it goes to its parent.
  void Finish(YamlNode node, YAML::anchor_t anchor) {
    if (anchor != 0 && rules_.manifests) {
      Anchored anchored;
      Measure(node, 1, anchored);
      Pay(anchored.nodes, anchored.text, node);
      anchored.node = node;
      anchors_.insert_or_assign(anchor, std::move(anchored));
    }
    if (open_.empty()) {
      documents_.push_back(std::move(node));
      return;
    }
    OpenNode& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      if (node.kind != YamlNode::Kind::kScalar) {
        AddAt(node.line, node.column, "expected a key that is a text, got " + Describe(node));
      }
      parent.key = std::move(node);
    } else {
      if (node.kind == YamlNode::Kind::kNull && node.line != parent.key->line) {
        node.line = parent.key->line;  // yaml-cpp puts it at the next token
        node.column = parent.key->column;
      }
      if (parent.key->kind == YamlNode::Kind::kScalar) {
        parent.node.members.push_back({std::move(*parent.key), std::move(node)});
      }
      parent.key.reset();
    }
  }

  static void Measure(const YamlNode& node, std::size_t depth, Anchored& measured) {
    ++measured.nodes;
    measured.text += node.text.size();
    measured.depth = std::max(measured.depth, depth);
    for (const YamlNode& item : node.items) {
      Measure(item, depth + 1, measured);
    }
    for (const auto& [key, value] : node.members) {
      Measure(key, depth + 1, measured);
      Measure(value, depth + 1, measured);
    }
  }

  void RefuseDuplicates(const YamlNode& mapping) {
    std::unordered_map<std::string_view, int> lines;
    for (const auto& [key, value] : mapping.members) {
      const auto [first, is_new] = lines.emplace(key.text, key.line);
      if (!is_new) {
        AddAt(key.line, key.column,
              "duplicate key " + Quoted(key.text) + "; it stands in line " + std::to_string(first->second) + " already");
      }
    }
  }

  // `<<`: members that the mapping does not have itself; of several sources the first that has one gives it.
  void Merge(YamlNode& mapping) {
    const auto merge =
        std::find_if(mapping.members.begin(), mapping.members.end(), [](const YamlMember& member) { return IsMergeKey(member.key); });
    if (merge == mapping.members.end()) {
      return;
    }
    YamlNode merged = std::move(merge->value);
    mapping.members.erase(merge);
    std::unordered_set<std::string> taken;
    for (const auto& [key, value] : mapping.members) {
      taken.insert(key.text);
    }
    const auto take = [&](YamlNode& source) {
      if (source.kind != YamlNode::Kind::kMapping) {
        AddAt(source.line, source.column, "expected a mapping to merge by '<<', got " + Describe(source));
      }
      for (YamlMember& member : source.members) {
        if (taken.insert(member.key.text).second) {
          mapping.members.push_back(std::move(member));
        }
      }
    };
    if (merged.kind == YamlNode::Kind::kSequence) {
      std::for_each(merged.items.begin(), merged.items.end(), take);
    } else {
      take(merged);
    }
  }

  const std::string_view text_;
  const std::string_view file_;
  const Rules rules_;
  bool begun_ = false;
  std::size_t nodes_ = 0;
  std::size_t copied_text_ = 0;
  std::vector<OpenNode> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::vector<YamlNode> documents_;
  Problems problems_;
};

Loaded<std::vector<YamlNode>> Read(std::string_view text, std::string_view file, std::size_t max_bytes, const Rules& rules) {
  if (text.size() > max_bytes) {
    const std::string message = "is larger than " + std::to_string(max_bytes) + " bytes";
    return tl::unexpected(Problems{{std::string(file), 0, 0, message}});
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return tl::unexpected(Problems{{std::string(file), 0, 0, "is UTF-16; save it as UTF-8"}});
  }
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  if (const auto unfit = FindUnfit(text)) {
    const std::string_view before = text.substr(0, *unfit);
    const int line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
    const int column = static_cast<int>(before.size() - (before.rfind('\n') + 1)) + 1;  // npos + 1 is 0
    const bool control = static_cast<unsigned char>(text[*unfit]) < 0x80;
    return tl::unexpected(Problems{{std::string(file), line, column, control ? "a control character" : "is not valid UTF-8 from here on"}});
  }
  return Reader(text, file, rules).Read();
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  const auto found = std::find_if(members.begin(), members.end(), [&](const YamlMember& member) { return member.key.text == key; });
  return found == members.end() ? nullptr : &found->value;
}

Loaded<YamlNode> ParseYaml(std::string_view text, std::string_view file) {
  auto documents = Read(text, file, kMaxYamlBytes, {.manifests = false, .max_nodes = kMaxYamlNodes, .max_copied_text = 0});
  if (!documents) {
    return tl::unexpected(std::move(documents.error()));
  }
  if (documents->empty()) {
    YamlNode nothing;
    nothing.line = 1;
    nothing.column = 1;
    return nothing;
  }
  return std::move(documents->front());
}

Loaded<std::vector<YamlNode>> ParseYamlDocuments(std::string_view text, std::string_view file, std::size_t max_bytes) {
  auto documents = Read(text, file, max_bytes, {.manifests = true, .max_nodes = kMaxManifestNodes, .max_copied_text = max_bytes});
  if (documents) {
    std::erase_if(*documents, [](const YamlNode& document) { return document.kind == YamlNode::Kind::kNull; });
  }
  return documents;
}

void SortByPlace(Problems& problems) {
  std::multimap<std::pair<int, int>, Problem> sorted;  // keeps those of one place in their order
  for (Problem& problem : problems) {
    const std::pair place(problem.line, problem.column);
    sorted.emplace(place, std::move(problem));
  }
  problems.clear();
  for (auto& [place, problem] : sorted) {
    problems.push_back(std::move(problem));
  }
}

}  // namespace base
