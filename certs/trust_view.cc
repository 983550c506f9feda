#include "certs/trust_view.h"

#include <algorithm>
#include <utility>

#include "certs/authority.h"

namespace certs {
namespace {

// Text that somebody else wrote: what cannot be read is not believed, by us or by the API server.
std::vector<Certificate> AuthoritiesIn(const std::string& pem) {
  auto certificates = ReadCertificates(pem, kMaxBundleCertificates);
  if (!certificates) {
    return {};
  }
  std::erase_if(*certificates, [](const Certificate& one) { return !IsAuthority(one.x509.get()); });
  return *std::move(certificates);
}

}  // namespace

const TrustView& TrustWatch::Saw(const std::optional<Configuration>& configuration, base::Time now, Instant instant) {
  if (!configuration) {
    view_ = {};
    view_.state = TrustView::State::kAbsent;
    first_seen_.clear();
    return view_;
  }
  Read(*configuration);
  std::erase_if(first_seen_, [this](const auto& seen) { return !view_.trusted.contains(seen.first); });
  for (const Certificate& authority : view_.authorities) {
    if (view_.trusted.contains(authority.fingerprint)) {
      const bool is_old = !began_ && authority.not_before + kBackdate + 2 * kPropagation <= now;
      first_seen_.emplace(authority.fingerprint, is_old ? instant - kPropagation : instant);
    }
  }
  began_ = true;
  view_.settled.clear();
  for (const auto& [fingerprint, since] : first_seen_) {
    if (instant - since >= kPropagation) {
      view_.settled.insert(fingerprint);
    }
  }
  return view_;
}

const TrustView& TrustWatch::SawNothing() {
  view_.state = TrustView::State::kUnknown;
  return view_;
}

void TrustWatch::Read(const Configuration& configuration) {
  std::set<std::string> texts;
  for (const Configuration::Entry& entry : configuration.entries) {
    texts.insert(entry.ca_bundle);
  }
  if (view_.state != TrustView::State::kAbsent && texts == view_.texts && began_) {
    view_.state = TrustView::State::kPresent;
    return;  // as it was: no need to parse it again
  }
  view_ = {};
  view_.state = TrustView::State::kPresent;
  view_.texts = std::move(texts);
  std::map<std::string, std::size_t> holders;
  for (const std::string& text : view_.texts) {
    std::set<std::string> in_this;
    for (Certificate& authority : AuthoritiesIn(text)) {
      if (in_this.insert(authority.fingerprint).second && ++holders[authority.fingerprint] == 1) {
        view_.authorities.push_back(std::move(authority));
      }
    }
  }
  for (const auto& [fingerprint, count] : holders) {
    if (count == view_.texts.size()) {
      view_.trusted.insert(fingerprint);
    }
  }
}

}  // namespace certs
