#include "webhook/audit_batch.h"

#include "webhook/http_answer.h"

namespace webhook {

bool AuditBatch::Add(Outcome outcome, Answer answer) {
  records_.push_back(std::move(*outcome.record));
  outcome.record.reset();
  waiting_.emplace_back(std::move(outcome), std::move(answer));
  return records_.size() == 1;
}

void AuditBatch::Flush() {
  const std::vector<audit::Record> records = std::exchange(records_, {});
  auto waiting = std::exchange(waiting_, {});

  const auto begin = clock_.Monotonic();
  const auto committed = commit_(records);
  metrics_.audit_duration.Observe(clock_.Monotonic() - begin);
  if (committed) {
    metrics_.audit_records.Add(records.size());
  } else {
    metrics_.audit_failures.Add();
    lost_(records);
  }
  for (auto& [outcome, answer] : waiting) {
    if (!committed && refuse_) {
      metrics_.Count(RefusedRequest::kAuditFailure);
      outcome = Outcome{500, ErrorBody("the decision could not be recorded in the audit log"), std::nullopt};
    }
    answer(std::move(outcome));
  }
}

}  // namespace webhook
