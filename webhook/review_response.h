// Writes the answer to an AdmissionReview.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/admission.h"
#include "policy/decision.h"

namespace webhook {

// What the answer says to the person who asked.
struct Told {
  std::string message;                // the DenialMessage of a denial, else ""
  std::vector<std::string> warnings;  // policy::Warnings
};

// The whole JSON body: allowed, or denied with code 403 and the message; warnings; auditAnnotations `decision`, `registries`,
// `requirements`, `policy`, each at most 1 KiB.
std::string WriteResponse(const policy::Admission& admission, const policy::Decision& decision, const policy::Policy& policy,
                          const Told& told);

// For a request about which there was nothing to decide.
std::string WriteAllowed(const policy::Admission& admission);

}  // namespace webhook
