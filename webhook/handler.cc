#include "webhook/handler.h"

#include <exception>
#include <string>
#include <utility>

#include "policy/decision.h"
#include "policy/freshness.h"
#include "webhook/http_answer.h"
#include "webhook/review_response.h"

namespace webhook {

Outcome Handler::Handle(const state::State& state, std::string& body, const Caller& caller, Denial denial) noexcept {
  try {
    Outcome outcome = Decide(state, body, caller, denial);
    decoder_.Release();
    return outcome;
  } catch (const std::exception& error) {
    return Fail(error.what());
  } catch (...) {
    return Fail("an exception of unknown type");
  }
}

Outcome Handler::Decide(const state::State& state, std::string& body, const Caller& caller, Denial denial) {
  const auto begin = clock_.Monotonic();
  const auto admission = decoder_.Decode(body);
  if (!admission) {
    metrics_.Count(RefusedRequest::kBadReview);
    return {400, ErrorBody(admission.error().ToString()), std::nullopt};
  }
  if (admission->NothingToDecide()) {
    return {200, WriteAllowed(*admission), std::nullopt};
  }

  const policy::Policy& policy = *state.policy;
  const base::Time now = clock_.Now();
  const policy::Decision decision = policy::Decide(policy, state.facts, *admission, now);
  if (decision.NothingDecided()) {
    return {200, WriteAllowed(*admission), std::nullopt};
  }
  if (denial == Denial::kMayWait) {
    if (auto needed = policy::NeedsFresh(decision, now); !needed.empty()) {
      return {.needs_fresh = std::move(needed)};
    }
  }
  const bool denied = decision.kind == policy::DecisionKind::kDenied;
  const Told told{denied ? policy::DenialMessage(decision, *admission, policy, now) : std::string(),
                  policy::Warnings(decision, *admission, policy, now)};
  Outcome outcome{200, WriteResponse(*admission, decision, policy, told), std::nullopt};
  outcome.denied = denied;
  metrics_.CountDecision(decision, admission->dry_run);

  if (options_.record && (options_.record_allowed || decision.kind != policy::DecisionKind::kAllowed)) {
    audit::RequestContext context;
    context.time = now;
    context.cluster = options_.cluster;
    context.replica = options_.replica;
    context.peer = caller.peer;
    context.client_certificate = caller.certificate;
    context.message = told.message;
    context.warnings = told.warnings;
    context.duration = std::chrono::duration_cast<std::chrono::microseconds>(clock_.Monotonic() - begin);
    outcome.record = audit::MakeRecord(*admission, decision, policy, context);
  }
  return outcome;
}

Outcome Handler::Fail(std::string_view what) {
  metrics_.Count(RefusedRequest::kInternalError);
  if (!std::exchange(failed_before_, true)) {
    log_(base::LogLevel::kError, "a request ended in an internal error: " + std::string(what) +
                                     "; please report this, further ones are only counted (refused_requests_total)");
  }
  return {500, ErrorBody("internal error"), std::nullopt};
}

}  // namespace webhook
