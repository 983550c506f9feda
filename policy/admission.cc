#include "policy/admission.h"

namespace policy {

std::string FieldPath::ToString() const {
  std::string path(list);
  path.append(1, '[').append(std::to_string(index)).append(1, ']').append(member);
  return path;
}

}  // namespace policy
