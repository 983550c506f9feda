// Writes the answer to an AdmissionReview.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "policy/admission.h"
#include "policy/decision.h"

namespace webhook {

// The whole JSON body: allowed, or denied with code 403 and `message`, which is the denial's DenialMessage; warnings;
// auditAnnotations `decision`, `registries`, `requirements`, `policy`, each at most 1 KiB.
std::string WriteResponse(const policy::Admission& admission, const policy::Decision& decision, const policy::Policy& policy,
                          std::string_view message, base::Time now);

// For a request about which there was nothing to decide.
std::string WriteAllowed(const policy::Admission& admission);

}  // namespace webhook
