// The strict YAML reader: yaml-cpp's Parser and EventHandler with everything refused that makes a file mean two things.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/problem.h"

namespace base {

// What a person writes by hand stays far below; bombs do not.
inline constexpr std::size_t kMaxYamlBytes = 1 << 20;
inline constexpr std::size_t kMaxYamlNodes = 100'000;
inline constexpr std::size_t kMaxYamlDepth = 64;

// Kubernetes manifests are also written by machines: a `kubectl get -o yaml` of a namespace, charts with their CRDs.
// A node takes about 200 bytes.
inline constexpr std::size_t kMaxManifestNodes = 1'000'000;

// More in one file help nobody; the reader stops there.
inline constexpr std::size_t kMaxYamlProblems = 100;

struct YamlMember;

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMapping };

  Kind kind = Kind::kNull;
  int line = 0;         // from 1; a value that was left out stands where its key does
  int column = 0;       // from 1, in bytes
  std::string text;     // a scalar's text
  bool quoted = false;  // a quoted scalar is a string whatever it looks like
  std::vector<YamlNode> items;
  std::vector<YamlMember> members;  // in the file's order

  const YamlNode* Find(std::string_view key) const;  // a mapping's member, or null
};

struct YamlMember {
  YamlNode key;  // a scalar
  YamlNode value;
};

// One document. Anchors, aliases, tags, duplicate or non-scalar keys, a second document, control characters, invalid UTF-8
// and anything over the limits above are problems with line and column, sorted by them. An empty file is a kNull node.
Loaded<YamlNode> ParseYaml(std::string_view text, std::string_view file);

// Kubernetes manifests, as kubectl takes them: several documents (empty ones left out), aliases expanded and `<<` merged
// within kMaxManifestNodes and `max_bytes` of copied text; `!!str` is the one tag. Duplicate keys stay problems.
// `max_bytes` bounds the text.
Loaded<std::vector<YamlNode>> ParseYamlDocuments(std::string_view text, std::string_view file, std::size_t max_bytes);

// By YAML 1.2's core schema: null, booleans, integers, floats, strings; a quoted scalar is a string. What JSON has no
// number for (.inf, .nan, 1e999) stays a string.
nlohmann::json ToJson(const YamlNode& node);

// Reads one mapping's members into C++ values, collecting a Problem for each thing that is wrong: a missing or unknown key
// (with the nearest known one), a wrong type, a value out of range (with what was expected). Typical use:
//
//   YamlMapping m(node, file, "exemptions[2]", problems);
//   m.Required("name", &name);
//   m.Optional("expires", &text);
//   m.Finish();                        // whatever was not asked for is an unknown key
//
// Outputs keep their value when the key is absent or its value is wrong; a key with nothing after it is a problem. Keys are literals: they
// are kept.
class YamlMapping {
 public:
  // `path` is how messages call this mapping; "" for the document itself. A node that is no mapping is a problem, and
  // every read then finds nothing. `node` and `file` must outlive the YamlMapping.
  YamlMapping(const YamlNode& node, std::string_view file, std::string path, Problems& problems);

  // The member, marked as known; null when absent. A member whose value is null is a problem.
  const YamlNode* Member(std::string_view key);
  const YamlNode* RequiredMember(std::string_view key);

  // True when the key was there and its value was right. Strings take any scalar that is not empty; bools take true and
  // false alone; integers are decimal.
  bool Optional(std::string_view key, std::string* out);
  bool Optional(std::string_view key, bool* out);
  bool Optional(std::string_view key, std::int64_t* out, std::int64_t least, std::int64_t most);
  bool Optional(std::string_view key, std::chrono::microseconds* out, std::chrono::microseconds least,
                std::chrono::microseconds most);  // base/time.h's durations
  bool Required(std::string_view key, std::string* out);

  // One of `names`, exact case; `out` gets its index.
  bool OptionalChoice(std::string_view key, const std::vector<std::string_view>& names, std::size_t* out);
  bool RequiredChoice(std::string_view key, const std::vector<std::string_view>& names, std::size_t* out);

  // A list's items; none when the key is absent. A required list has at least one.
  std::span<const YamlNode> OptionalList(std::string_view key);
  std::span<const YamlNode> RequiredList(std::string_view key);

  // A list's items that are strings, not empty, each with its index; any other item is a problem.
  struct Text {
    const YamlNode* node;
    std::string path;  // "names[2]", for AddProblem
  };
  std::vector<Text> OptionalTexts(std::string_view key);
  std::vector<Text> RequiredTexts(std::string_view key);

  // A problem at a node of this file, prefixed with the path of this mapping and `key`, which may be "".
  void AddProblem(const YamlNode& at, std::string_view key, std::string_view message);

  // What was asked for but is absent can be reported nowhere else than at the mapping itself.
  const YamlNode& node() const { return *node_; }

  void Finish();

  // "exemptions[2].expires"
  std::string PathOf(std::string_view key) const;

 private:
  std::vector<Text> Texts(std::string_view key, std::span<const YamlNode> items);

  const YamlNode* node_;
  std::string_view file_;
  std::string path_;
  Problems& problems_;
  std::vector<std::string_view> known_;
};

// A value as messages show it: in quotes, printable, cut where it is long; "nothing", "a list" or "a mapping".
std::string Describe(const YamlNode& node);
std::string Quoted(std::string_view text);

// By line, then column: the order in which a person reads the file.
void SortByPlace(Problems& problems);

}  // namespace base
