// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string
#include <array>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "policy/template_values.h"

namespace policy {
namespace {

using nlohmann::json;

TemplateResult Decoded(std::string_view encoded) {
  const std::optional<std::string> text = base::DecodeBase64(encoded);
  if (!text || encoded.find_first_of("\r\n") != std::string_view::npos) {
    return text ? CannotTell("whether line breaks are taken is not documented") : TemplateResult(Fails("the text is not base64"));
  }
  return base::IsUtf8(*text) ? TemplateResult(json(*text))
                             : TemplateResult(CannotTell("what bytes that are no text become is not documented"));
}

TemplateResult Base64(TemplateArguments arguments) {
  const std::string* text = AsText(arguments[0]);
  return text != nullptr ? TemplateResult(json(base::EncodeBase64(*text))) : TemplateResult(WrongKind("a string", arguments[0]));
}

TemplateResult Base64ToString(TemplateArguments arguments) {
  const std::string* text = AsText(arguments[0]);
  return text != nullptr ? Decoded(*text) : TemplateResult(WrongKind("a string", arguments[0]));
}

TemplateResult Base64ToJson(TemplateArguments arguments) {
  TemplateResult text = Base64ToString(arguments);
  if (!text) {
    return text;
  }
  base::Result<json> value = base::ParseJson(*AsText(*text), "base64ToJson");
  return value ? TemplateResult(std::move(*value)) : TemplateResult(Fails("the text is no JSON"));
}

constexpr std::string_view kDataUri = "data:text/plain;charset=utf8;base64,";

TemplateResult DataUri(TemplateArguments arguments) {
  const std::string* text = AsText(arguments[0]);
  return text != nullptr ? TemplateResult(json(std::string(kDataUri) + base::EncodeBase64(*text)))
                         : TemplateResult(WrongKind("a string", arguments[0]));
}

TemplateResult DataUriToString(TemplateArguments arguments) {
  constexpr std::string_view kMarker = ";base64,";
  const std::string* text = AsText(arguments[0]);
  if (text == nullptr) {
    return WrongKind("a string", arguments[0]);
  }
  const std::size_t marker = text->find(kMarker);
  if (!text->starts_with("data:") || marker == std::string::npos) {
    return CannotTell("only data URIs in base64 are handled here");
  }
  return Decoded(std::string_view(*text).substr(marker + kMarker.size()));
}

// RFC 3986's unreserved characters stay.
TemplateResult UriComponent(TemplateArguments arguments) {
  constexpr std::string_view kStays = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const std::string* text = AsText(arguments[0]);
  if (text == nullptr) {
    return WrongKind("a string", arguments[0]);
  }
  std::string encoded;
  for (const char c : *text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kStays.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return json(std::move(encoded));
}

int HexValue(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

TemplateResult UriComponentToString(TemplateArguments arguments) {
  const std::string* text = AsText(arguments[0]);
  if (text == nullptr) {
    return WrongKind("a string", arguments[0]);
  }
  std::string decoded;
  for (std::size_t i = 0; i < text->size(); ++i) {
    if ((*text)[i] != '%') {
      decoded += (*text)[i];
      continue;
    }
    const int high = i + 2 < text->size() ? HexValue((*text)[i + 1]) : -1;
    const int low = i + 2 < text->size() ? HexValue((*text)[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return CannotTell("what a percent sign that begins no escape becomes is not documented");
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return base::IsUtf8(decoded) ? TemplateResult(json(std::move(decoded)))
                               : TemplateResult(CannotTell("what bytes that are no text become is not documented"));
}

constexpr std::array kFunctions = std::to_array<TemplateFunction>({
    {"base64", 1, 1, Base64},
    {"base64ToJson", 1, 1, Base64ToJson},
    {"base64ToString", 1, 1, Base64ToString},
    {"dataUri", 1, 1, DataUri},
    {"dataUriToString", 1, 1, DataUriToString},
    {"uriComponent", 1, 1, UriComponent},
    {"uriComponentToString", 1, 1, UriComponentToString},
});

}  // namespace

std::span<const TemplateFunction> EncodingFunctions() { return kFunctions; }

}  // namespace policy
