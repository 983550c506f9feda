// What /metrics tells of things that are looked up when it is asked.
#pragma once

#include "audit/store.h"
#include "azure/arm.h"
#include "azure/live_inventory.h"
#include "base/time.h"
#include "certs/identity.h"
#include "cli/audit_forwarding.h"
#include "state/keeper.h"
#include "state/state.h"
#include "webhook/metrics.h"

namespace cli {

// How records get on to PostgreSQL.
webhook::Gauges::Forwarding ForwardingGauges(const AuditForwarding::Status& status, const audit::Store::Size& size);

// What reading Azure costs and brings.
webhook::Gauges::Azure AzureGauges(const azure::LiveInventory::Status& status, const azure::Arm::Counters& calls);

// `current` and `identity` may be null: nothing was published yet.
void FillGauges(const state::State* current, const state::Status& status, const certs::Identity* identity, base::Time now,
                webhook::Gauges& gauges);

}  // namespace cli
