// The API server's failures, as metav1.Status in its own words.
#pragma once

#include <string>

#include "http/client.h"
#include "tests/support/kubernetes_call.h"

namespace support {

http::Response Status(int code, const std::string& reason, const std::string& message, http::Headers headers = {});

http::Response NotServed();  // plain text, as for an API that a cluster lacks
http::Response UnauthorizedStatus();
http::Response ForbiddenStatus(const KubernetesCall& call, const std::string& verb, const std::string& user);
http::Response NotFoundStatus(const std::string& resource, const std::string& name);
http::Response AlreadyExistsStatus(const KubernetesCall& call, const std::string& name);
http::Response ModifiedStatus(const KubernetesCall& call);  // a conflict of resourceVersions
http::Response InvalidStatus(const KubernetesCall& call, const std::string& name, const std::string& what);
http::Response ExpiredStatus();
http::Response TooManyRequestsStatus(int retry_after_seconds);

}  // namespace support
