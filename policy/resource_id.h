// Azure Resource Manager's ids: "/subscriptions/ID/resourceGroups/NAME/providers/…".
#pragma once

#include <string_view>

namespace policy {

// The part that follows "/KEY/", without regard to case; "" when there is none.
std::string_view ResourceIdPart(std::string_view id, std::string_view key);

}  // namespace policy
