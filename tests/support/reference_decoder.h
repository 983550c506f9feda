// What webhook::ReviewDecoder must find in an AdmissionReview, found in the plainest way: nlohmann's parser, a tree that
// keeps duplicate keys, and one lookup after the other. The decoder is held against it by a test and by a fuzzer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace support {

struct ReferenceImage {
  std::string image;
  std::string container;
  std::string field;
  bool in_old_object = false;
};

struct ReferenceReview {
  bool answerable = false;  // false: an error, and nothing else here means anything
  std::string api_version, uid, operation, group, version, kind, subresource, namespace_name, name, user;
  std::vector<std::string> groups;
  std::string owner_api_version, owner_kind, owner_name, owner_uid;
  bool dry_run = false, workload = false, mirror_pod = false, template_changed = false;
  std::vector<ReferenceImage> images;
  bool understood = true;  // false: Admission::problem says why not
};

ReferenceReview DecodeByReference(std::string_view body);

}  // namespace support
