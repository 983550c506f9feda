#include "tests/support/compare_reviews.h"

#include <sstream>

#include "tests/support/reference_decoder.h"

namespace support {

std::string DifferenceFromReference(const base::Result<policy::Admission>& decoded, std::string_view body) {
  const ReferenceReview expected = DecodeByReference(body);
  std::ostringstream difference;
  const auto compare = [&difference](std::string_view what, const auto& got, const auto& wanted) {
    if (difference.tellp() == 0 && got != wanted) {
      difference << what << ": decoded " << got << ", reference " << wanted;
    }
  };
  compare("answerable", decoded.has_value(), expected.answerable);
  if (!decoded || !expected.answerable) {
    if (!decoded && difference.tellp() != 0) {
      difference << " (" << decoded.error().message << ")";
    }
    return difference.str();
  }
  compare("apiVersion", decoded->api_version, expected.api_version);
  compare("uid", decoded->uid, expected.uid);
  compare("understood", decoded->problem.empty(), expected.understood);
  if (!expected.understood || !decoded->problem.empty()) {
    if (difference.tellp() != 0) {
      difference << " (" << decoded->problem << ")";
    }
    return difference.str();
  }
  compare("operation", decoded->operation, expected.operation);
  compare("group", decoded->group, expected.group);
  compare("version", decoded->version, expected.version);
  compare("kind", decoded->kind, expected.kind);
  compare("subresource", decoded->subresource, expected.subresource);
  compare("namespace", decoded->namespace_name, expected.namespace_name);
  compare("name", decoded->name, expected.name);
  compare("user", decoded->user, expected.user);
  compare("owner apiVersion", decoded->owner_api_version, expected.owner_api_version);
  compare("owner kind", decoded->owner_kind, expected.owner_kind);
  compare("owner name", decoded->owner_name, expected.owner_name);
  compare("owner uid", decoded->owner_uid, expected.owner_uid);
  compare("dryRun", decoded->dry_run, expected.dry_run);
  compare("workload", decoded->workload, expected.workload);
  compare("mirror pod", decoded->mirror_pod, expected.mirror_pod);
  compare("template changed", decoded->template_changed, expected.template_changed);
  compare("groups", decoded->groups.size(), expected.groups.size());
  compare("images", decoded->images.size(), expected.images.size());
  for (std::size_t i = 0; difference.tellp() == 0 && i < expected.groups.size(); ++i) {
    compare("group", decoded->groups[i], expected.groups[i]);
  }
  for (std::size_t i = 0; difference.tellp() == 0 && i < expected.images.size(); ++i) {
    const policy::ImageUse& use = decoded->images[i];
    const ReferenceImage& image = expected.images[i];
    compare("field", use.field.ToString(), image.field);
    compare(image.field, use.image, image.image);
    compare(image.field + " container", use.container, image.container);
    compare(image.field + " in old object", use.in_old_object, image.in_old_object);
  }
  return difference.str();
}

}  // namespace support
