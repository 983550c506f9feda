#include "tests/support/azure_call.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "http/url.h"

namespace support {
namespace {

using Service = AzureService;
using Operation = AzureOperation;

int HexDigit(char c) {
  const std::size_t at = std::string_view("0123456789abcdef").find(base::AsciiLower(std::string_view(&c, 1)));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// '+' is a space in queries and forms alone; no path of Azure's has one.
std::string Decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::map<std::string, std::string> ReadFields(std::string_view text) {
  std::map<std::string, std::string> fields;
  while (!text.empty()) {
    const std::string_view field = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), field.size() + 1));
    const std::size_t equals = std::min(field.find('='), field.size());
    fields[base::AsciiLower(Decode(field.substr(0, equals)))] = Decode(field.substr(std::min(field.size(), equals + 1)));
  }
  return fields;
}

// Takes the next steps off the path where they are those; "" stands for any one, which is put into `names`.
class Steps {
 public:
  explicit Steps(std::string_view path) {
    for (std::size_t begin = 1; begin <= path.size();) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      steps_.push_back(path.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  bool Take(std::initializer_list<std::string_view> expected) {
    std::size_t at = at_;
    for (const std::string_view step : expected) {
      if (at == steps_.size() || (!step.empty() && steps_[at] != step)) {
        return false;
      }
      ++at;
    }
    at_ = at;
    return true;
  }
  std::string Last() const { return std::string(steps_[at_ - 1]); }
  bool AtEnd() const { return at_ == steps_.size(); }

 private:
  std::vector<std::string_view> steps_;
  std::size_t at_ = 0;
};

// Behind "providers/microsoft.authorization".
void ReadAuthorizationPath(Steps& steps, AzureCall& call) {
  if (!call.subscription.empty() && steps.Take({"policyassignments"}) && steps.AtEnd()) {
    call.operation = Operation::kListPolicyAssignments;
  } else if (!call.subscription.empty() && steps.Take({"policyexemptions"}) && steps.AtEnd()) {
    call.operation = Operation::kListPolicyExemptions;
  } else if ((steps.Take({"policydefinitions", ""}) || steps.Take({"policysetdefinitions", ""})) && steps.AtEnd()) {
    call.operation = Operation::kGetPolicyDefinition;
  }
}

bool IsKindOfChildren(std::string_view name) {
  const auto kKinds = {"tokens", "scopemaps", "cacherules", "credentialsets", "replications", "webhooks", "connectedregistries"};
  return std::ranges::find(kKinds, name) != kKinds.end();
}

void ReadSubscriptionPath(Steps& steps, AzureCall& call) {
  call.subscription = steps.Last();
  if (steps.Take({"providers", "microsoft.authorization"})) {
    ReadAuthorizationPath(steps, call);
    return;
  }
  if (steps.Take({"providers", "microsoft.policyinsights"})) {
    call.service = Service::kPolicyInsights;
    if (steps.Take({"policystates", "latest", "queryresults"}) && steps.AtEnd()) {
      call.operation = Operation::kQueryPolicyStates;
    }
    return;
  }
  if (steps.Take({"resourcegroups", ""})) {
    call.resource_group = steps.Last();
  }
  if (!steps.Take({"providers", "microsoft.containerregistry", "registries"})) {
    return;
  }
  if (steps.AtEnd()) {
    call.operation = Operation::kListRegistries;
  } else if (!call.resource_group.empty() && steps.Take({""})) {
    call.registry = steps.Last();
    if (steps.AtEnd()) {
      call.operation = Operation::kGetRegistry;
    } else if (steps.Take({"privateendpointconnections"}) && steps.AtEnd()) {
      call.operation = Operation::kListConnections;
    } else if (steps.Take({""}) && steps.AtEnd() && IsKindOfChildren(steps.Last())) {
      call.operation = Operation::kListChildren;
      call.children = steps.Last();
    }
  }
}

void ReadPath(AzureCall& call) {
  Steps steps(call.path);
  if (steps.Take({"metadata", "identity", "oauth2", "token"}) && steps.AtEnd()) {
    call.service = Service::kInstanceMetadata;
    call.operation = Operation::kToken;
  } else if (steps.Take({"msi", "token"}) && steps.AtEnd()) {
    call.service = Service::kIdentityEndpoint;
    call.operation = Operation::kToken;
  } else if (steps.Take({"subscriptions", ""})) {
    ReadSubscriptionPath(steps, call);
  } else if (steps.Take({"providers", "microsoft.resourcegraph", "resources"}) && steps.AtEnd()) {
    call.service = Service::kResourceGraph;
    call.operation = Operation::kQueryGraph;
  } else if (steps.Take({"providers", "microsoft.authorization"})) {
    ReadAuthorizationPath(steps, call);
  } else if (steps.Take({"providers", "microsoft.management", "managementgroups", ""})) {
    if (steps.Take({"descendants"}) && steps.AtEnd()) {
      call.operation = Operation::kListDescendants;
    } else if (steps.Take({"providers", "microsoft.authorization"})) {
      ReadAuthorizationPath(steps, call);
    }
  } else if (Steps login(call.path); login.Take({""})) {
    call.tenant = login.Last();
    if (login.Take({"oauth2", "v2.0", "token"}) && login.AtEnd()) {
      call.service = Service::kLogin;
      call.operation = Operation::kToken;
    }
  }
}

}  // namespace

std::string AzureCall::Query(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? "" : found->second;
}

AzureCall ReadAzureCall(const http::Request& request) {
  AzureCall call;
  call.method = request.method;
  const auto url = http::ParseUrl(request.url);
  if (!url) {
    return call;
  }
  call.origin = url->scheme + "://" + url->Authority();
  call.target = url->target;
  const std::size_t path_end = std::min(url->target.find('?'), url->target.size());
  call.path = base::AsciiLower(Decode(std::string_view(url->target).substr(0, path_end)));
  call.query = ReadFields(std::string_view(url->target).substr(std::min(url->target.size(), path_end + 1)));
  ReadPath(call);
  if (call.service == Service::kLogin) {
    call.form = ReadFields(request.body);
  }
  return call;
}

AzureCalls Every() {
  return [](const AzureCall&) { return true; };
}

AzureCalls EveryCallOf(Service service) {
  return [service](const AzureCall& call) { return call.service == service; };
}

AzureCalls EveryCallOf(Operation operation) {
  return [operation](const AzureCall& call) { return call.operation == operation; };
}

AzureCalls EveryCallAbout(const std::string& subscription) {
  return [subscription = base::AsciiLower(subscription)](const AzureCall& call) { return call.subscription == subscription; };
}

AzureCalls EveryListOf(const std::string& children) {
  return [kind = base::AsciiLower(children)](const AzureCall& call) { return call.children == kind; };
}

const char* NameOf(Service service) {
  switch (service) {
    case Service::kLogin:
      return "login";
    case Service::kInstanceMetadata:
      return "instance metadata";
    case Service::kIdentityEndpoint:
      return "identity endpoint";
    case Service::kResourceManager:
      return "resource manager";
    case Service::kResourceGraph:
      return "resource graph";
    case Service::kPolicyInsights:
      return "policy insights";
  }
  return "";
}

}  // namespace support
