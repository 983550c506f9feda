#include "tests/support/kubernetes_validation.h"

#include "base/base64.h"

namespace support {
namespace {

using nlohmann::json;

std::string Text(const json& object, const char* member) { return object.value(member, std::string()); }

std::string OfSecret(const json& before, const json& after) {
  const json data = after.value("data", json::object());
  for (const auto& [key, value] : data.items()) {
    if (!value.is_string() || !base::DecodeBase64(value.get<std::string>())) {
      return "data[" + key + "]: illegal base64 data";
    }
  }
  if (!before.is_null() && Text(before, "type") != Text(after, "type")) {
    return "type: Invalid value: field is immutable";
  }
  return "";
}

// https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/events.go, for events.k8s.io/v1
std::string OfEvent(const json& before, const json& after) {
  const std::string in = Text(after["metadata"], "namespace");
  const std::string about = after.contains("regarding") ? Text(after["regarding"], "namespace") : "";
  if (about.empty() ? in != "default" && in != "kube-system" : in != about) {
    return "involvedObject.namespace: does not match event.namespace";
  }
  for (const char* required : {"eventTime", "reportingController", "reportingInstance", "action", "reason"}) {
    if (Text(after, required).empty()) {
      return std::string(required) + ": Required value";
    }
  }
  if (Text(after, "note").size() > 1024 || Text(after, "reason").size() > 128 || Text(after, "action").size() > 128 ||
      Text(after, "reportingInstance").size() > 128) {
    return "too long";
  }
  if (Text(after, "type") != "Normal" && Text(after, "type") != "Warning") {
    return "type: has invalid value";
  }
  if (after.contains("series") && (after["series"].value("count", 0) < 2 || Text(after["series"], "lastObservedTime").empty())) {
    return "series.count: should be at least 2";
  }
  for (const char* fixed : {"regarding", "reason", "note", "type", "eventTime", "action", "reportingController", "reportingInstance"}) {
    if (!before.is_null() && before.value(fixed, json()) != after.value(fixed, json())) {
      return std::string(fixed) + ": field is immutable";
    }
  }
  return "";
}

std::string OfWebhookConfiguration(const json& after) {
  std::size_t index = 0;
  for (const json& webhook : after.value("webhooks", json::array())) {
    const std::string where = "webhooks[" + std::to_string(index++) + "]";
    const json client = webhook.value("clientConfig", json::object());
    if (!client.contains("url") && !client.contains("service")) {
      return where + ".clientConfig: Required value: exactly one of url or service is required";
    }
    for (const char* required : {"sideEffects", "admissionReviewVersions"}) {
      if (!webhook.contains(required)) {
        return where + "." + required + ": Required value";
      }
    }
  }
  return "";
}

}  // namespace

std::string WhatIsInvalid(const KubernetesResource& type, const json& before, const json& after) {
  if (type.kind == "Secret") {
    return OfSecret(before, after);
  }
  if (type.kind == "Event") {
    return OfEvent(before, after);
  }
  return type.kind == "ValidatingWebhookConfiguration" ? OfWebhookConfiguration(after) : "";
}

}  // namespace support
