#include "audit/postgresql_schema.h"

#include <array>
#include <cstddef>

namespace audit::postgresql {
namespace {

// Steps are never changed once released: step i makes version i + 1 of version i.
//
// Texts are in collation "C": equality, beginnings and order by one index, the same on every server. The record is text and not json:
// what was committed comes back byte for byte, and none is refused for what somebody has put into it (\u0000).
constexpr const char* kDecisions = R"sql(
CREATE TABLE acr_admission.setting (        -- one row
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  retention interval                        -- NULL: nothing is dropped
);
INSERT INTO acr_admission.setting DEFAULT VALUES;

CREATE SEQUENCE acr_admission.arrival;
CREATE TABLE acr_admission.decision (
  time timestamptz NOT NULL,
  log bytea NOT NULL,                       -- the log that the record was committed to, 16 bytes
  sequence bigint NOT NULL,                 -- and its place there
  arrival bigint NOT NULL DEFAULT nextval('acr_admission.arrival'),  -- here
  cluster text COLLATE "C" NOT NULL,
  replica text COLLATE "C" NOT NULL,
  decision text COLLATE "C" NOT NULL,
  dry_run boolean NOT NULL,
  uid text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  "user" text COLLATE "C" NOT NULL,
  registries text[] COLLATE "C" NOT NULL,   -- of its images
  images text[] COLLATE "C" NOT NULL,       -- as written
  blamed_registries text[] COLLATE "C" NOT NULL,    -- what it was denied or warned about for
  blamed_requirements text[] COLLATE "C" NOT NULL,
  record text NOT NULL,                     -- the JSON object
  PRIMARY KEY (time, log, sequence)
) PARTITION BY RANGE (time);
CREATE INDEX decision_by_arrival ON acr_admission.decision (arrival);
CREATE INDEX decision_by_uid ON acr_admission.decision (uid);
CREATE INDEX decision_not_allowed ON acr_admission.decision (decision, time) WHERE decision <> 'Allowed';
CREATE INDEX decision_by_namespace ON acr_admission.decision (namespace, time);
CREATE INDEX decision_by_user ON acr_admission.decision ("user", time);
CREATE INDEX decision_by_registry ON acr_admission.decision USING gin (registries);
-- For times that have no partition: of a clock that was wrong, or long ago.
CREATE TABLE acr_admission.decision_default PARTITION OF acr_admission.decision DEFAULT;

-- Makes the partition of a day (UTC), with what the default partition holds of it. False: it is there, or the day is none that gets one.
-- Runs with the rights of the schema's owner, so that who writes records needs none on tables but to insert.
CREATE FUNCTION acr_admission.make_partition(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  name text := 'decision_' || to_char(day, 'YYYYMMDD');
  today date := (now() AT TIME ZONE 'UTC')::date;
  first timestamptz := day::timestamp AT TIME ZONE 'UTC';
  behind timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
  IF day NOT BETWEEN today - 366 AND today + 7 OR to_regclass('acr_admission.' || name) IS NOT NULL THEN
    RETURN false;
  END IF;
  PERFORM pg_advisory_xact_lock(1094931009, 2);
  IF to_regclass('acr_admission.' || name) IS NOT NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE acr_admission.%I (LIKE acr_admission.decision INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', name);
  -- Nothing may arrive in between that the attached partition would have to hold.
  LOCK TABLE acr_admission.decision_default IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('WITH moved AS (DELETE FROM acr_admission.decision_default WHERE time >= $1 AND time < $2 RETURNING *)
                  INSERT INTO acr_admission.%I SELECT * FROM moved', name) USING first, behind;
  EXECUTE format('ALTER TABLE acr_admission.decision ATTACH PARTITION acr_admission.%I FOR VALUES FROM (%L) TO (%L)', name, first, behind);
  RETURN true;
END $$;

-- Drops what is older than the retention, by whole days; returns how many. Takes no argument: who writes records cannot make it drop more.
CREATE FUNCTION acr_admission.drop_old_partitions() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  oldest timestamptz := (SELECT now() - retention FROM acr_admission.setting);
  partition record;
  dropped integer := 0;
BEGIN
  IF oldest IS NULL OR NOT pg_try_advisory_xact_lock(1094931009, 3) THEN
    RETURN 0;
  END IF;
  FOR partition IN
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'acr_admission.decision'::regclass AND relname ~ '^decision_[0-9]{8}$' ORDER BY relname
  LOOP
    EXIT WHEN (to_date(substr(partition.relname, 10), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC' > oldest;
    EXECUTE format('DROP TABLE acr_admission.%I', partition.relname);
    dropped := dropped + 1;
  END LOOP;
  DELETE FROM acr_admission.decision_default WHERE time < oldest;
  RETURN dropped;
END $$;

REVOKE ALL ON FUNCTION acr_admission.make_partition, acr_admission.drop_old_partitions FROM PUBLIC;
)sql";

// What rows of `relation` come to, by hour: as hourly has it, in the order of its key.
std::string CountsOf(const char* relation) {
  return std::string(R"sql(
  SELECT date_trunc('hour', time, 'UTC'), cluster, namespace, dimension, value, count(*) FILTER (WHERE decision = 'Allowed'),
         count(*) FILTER (WHERE decision = 'Warned'), count(*) FILTER (WHERE decision = 'Denied')
  FROM )sql") +
         relation + R"sql(, LATERAL (
    SELECT 'all', ''
    UNION ALL SELECT 'user', "user" WHERE decision <> 'Allowed' AND "user" <> ''
    UNION ALL SELECT 'registry', r FROM unnest(blamed_registries) AS r WHERE decision <> 'Allowed' AND r <> ''
    UNION ALL SELECT 'requirement', r FROM unnest(blamed_requirements) AS r WHERE decision <> 'Allowed' AND r <> ''
  ) AS counted (dimension, value)
  WHERE decision IN ('Allowed', 'Warned', 'Denied') GROUP BY 1, 2, 3, 4, 5)sql";
}

// Summaries need not look at every row. It is filled by a trigger, in the transaction that inserts, so that who writes records needs no
// right to it and cannot change a count; programs of version 1 fill it as well. Rows that are there already are not inserted, and so are
// counted once. Whoever could read the records may read what they come to.
//
// Of two that count the same at a time, one waits for the other's commit. Neither for each other: both go in the order of the key.
std::string Hourly() {
  return R"sql(
CREATE TABLE acr_admission.hourly (
  hour timestamptz NOT NULL,                -- its beginning, UTC
  cluster text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  dimension text COLLATE "C" NOT NULL,      -- 'all' admissions; of those not allowed by 'registry', 'requirement', 'user'
  value text COLLATE "C" NOT NULL,          -- '' of all
  allowed bigint NOT NULL,
  warned bigint NOT NULL,
  denied bigint NOT NULL,
  PRIMARY KEY (hour, cluster, namespace, dimension, value)
);

CREATE FUNCTION acr_admission.count_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO acr_admission.hourly AS h (hour, cluster, namespace, dimension, value, allowed, warned, denied))sql" +
         CountsOf("inserted") + R"sql( ORDER BY 1, 2, 3, 4, 5
  ON CONFLICT (hour, cluster, namespace, dimension, value) DO UPDATE
  SET allowed = h.allowed + excluded.allowed, warned = h.warned + excluded.warned, denied = h.denied + excluded.denied;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION acr_admission.count_inserted FROM PUBLIC;
CREATE TRIGGER count_inserted AFTER INSERT ON acr_admission.decision REFERENCING NEW TABLE AS inserted
FOR EACH STATEMENT EXECUTE FUNCTION acr_admission.count_inserted();
-- Nobody writes any more until this is committed: the trigger's lock keeps them out.
INSERT INTO acr_admission.hourly)sql" +
         CountsOf("acr_admission.decision") + R"sql(;

-- A cluster of few records among those of large ones.
CREATE INDEX decision_by_cluster ON acr_admission.decision (cluster, time);

-- As before, and the counts of the days that go; of the default partition whole days, too, so that rows and counts agree.
CREATE OR REPLACE FUNCTION acr_admission.drop_old_partitions() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  oldest timestamptz := (SELECT date_trunc('day', now() - retention, 'UTC') FROM acr_admission.setting);
  partition record;
  dropped integer := 0;
BEGIN
  IF oldest IS NULL OR NOT pg_try_advisory_xact_lock(1094931009, 3) THEN
    RETURN 0;
  END IF;
  FOR partition IN
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'acr_admission.decision'::regclass AND relname ~ '^decision_[0-9]{8}$' ORDER BY relname
  LOOP
    EXIT WHEN to_date(substr(partition.relname, 10), 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC' >= oldest;
    EXECUTE format('DROP TABLE acr_admission.%I', partition.relname);
    dropped := dropped + 1;
  END LOOP;
  DELETE FROM acr_admission.decision_default WHERE time < oldest;
  DELETE FROM acr_admission.hourly WHERE hour < oldest;
  RETURN dropped;
END $$;

DO $$
DECLARE
  reader oid;
BEGIN
  FOR reader IN
    SELECT DISTINCT grantee FROM pg_class, aclexplode(relacl)
    WHERE pg_class.oid = 'acr_admission.decision'::regclass AND privilege_type = 'SELECT' AND grantee <> relowner
  LOOP
    EXECUTE format('GRANT SELECT ON acr_admission.hourly TO %s', CASE reader WHEN 0 THEN 'PUBLIC' ELSE reader::regrole::text END);
  END LOOP;
END $$;
)sql";
}

std::string Decisions() { return kDecisions; }

constexpr std::array<std::string (*)(), kSchemaVersion> kSteps = {Decisions, Hourly};

// Of versions 1, 2, …: the oldest version whose programs work with it. A step that only adds what may be left out keeps that of the
// step before.
constexpr std::array<std::int64_t, kSchemaVersion> kCompatible = {1, 1};

// Records of today and the days to come find their partitions, also when nobody writes for a while.
constexpr const char* kMakePartitions =
    "SELECT acr_admission.make_partition((now() AT TIME ZONE 'UTC')::date + d) FROM generate_series(0, 3) AS d;";

constexpr const char* kBegin =
    "DO $$ BEGIN IF to_regnamespace('acr_admission') IS NULL THEN CREATE SCHEMA acr_admission; END IF; END $$;"
    "CREATE TABLE IF NOT EXISTS acr_admission.schema_version ("  // one row
    "singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton), version integer NOT NULL, compatible integer NOT NULL);";

std::string LockCall(const char* function, Lock lock) {
  return std::string(function) + "(" + std::to_string(kLockSpace) + ", " + std::to_string(static_cast<int>(lock)) + ")";
}

std::string Script(const SchemaVersion& before, std::optional<std::chrono::microseconds> retention) {
  std::string script;
  if (before.version < kSchemaVersion) {
    script += kBegin;
    for (std::int64_t version = before.version; version < kSchemaVersion; ++version) {
      script += kSteps.at(static_cast<std::size_t>(version))();
    }
    const std::string row = std::to_string(kSchemaVersion) + ", " + std::to_string(kCompatible.back());
    script += "INSERT INTO acr_admission.schema_version (version, compatible) VALUES (" + row +
              ") ON CONFLICT (singleton) DO UPDATE SET version = excluded.version, compatible = excluded.compatible;";
  }
  const std::string seconds = retention ? std::to_string(std::chrono::floor<std::chrono::seconds>(*retention).count()) : "";
  script +=
      "UPDATE acr_admission.setting SET retention = " + (retention ? "interval '" + seconds + " seconds'" : std::string("NULL")) + ";";
  return script + kMakePartitions;
}

}  // namespace

std::string TakeLock(Lock lock) { return LockCall("pg_advisory_xact_lock", lock); }
std::string TakeSharedLock(Lock lock) { return LockCall("pg_advisory_xact_lock_shared", lock); }

Outcome<SchemaVersion> ReadSchemaVersion(Connection& connection, const base::Until& until) {
  const auto there = connection.Query("SELECT to_regclass('acr_admission.schema_version') IS NOT NULL", until);
  if (!there) {
    return tl::unexpected(there.error());
  }
  if (there->Text(0, 0) != "t") {
    return SchemaVersion{};
  }
  const auto rows = connection.Query("SELECT version, compatible FROM acr_admission.schema_version", until);
  if (!rows) {
    return tl::unexpected(rows.error());
  }
  return rows->size() == 1 ? SchemaVersion{rows->Int(0, 0), rows->Int(0, 1)} : SchemaVersion{};
}

std::optional<base::Error> RefusalOf(const SchemaVersion& schema, const std::string& name) {
  if (schema.version == 0) {
    return base::Error{base::ErrorCode::kInvalidArgument, name + ": the database has no schema for audit records",
                       "make it with acr-admission audit migrate"};
  }
  if (schema.version < kSchemaVersion) {
    return base::Error{
        base::ErrorCode::kInvalidArgument,
        name + ": the schema has version " + std::to_string(schema.version) + ", this needs version " + std::to_string(kSchemaVersion),
        "migrate it with acr-admission audit migrate"};
  }
  if (schema.compatible > kSchemaVersion) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       name + ": the schema has version " + std::to_string(schema.version) + ", which programs of version " +
                           std::to_string(schema.compatible) + " and newer work with, and this one is of version " +
                           std::to_string(kSchemaVersion),
                       "use a newer acr-admission"};
  }
  return std::nullopt;
}

base::Result<Migration> Migrate(Connection& connection, std::optional<std::chrono::microseconds> retention, const base::Until& until) {
  const auto migrate = [&]() -> Outcome<Migration> {
    if (auto begun = connection.Execute("BEGIN; SELECT " + TakeLock(Lock::kMigration), until); !begun) {
      return tl::unexpected(std::move(begun.error()));
    }
    const auto encoding = connection.Query("SHOW server_encoding", until);
    if (!encoding) {
      return tl::unexpected(encoding.error());
    }
    if (encoding->Text(0, 0) != "UTF8") {
      return tl::unexpected(
          Failure{{base::ErrorCode::kInvalidArgument,
                   "the database has the encoding " + std::string(encoding->Text(0, 0)) + ", in which not every record can stand",
                   "create one with ENCODING 'UTF8'"},
                  {}});
    }
    Migration migration;
    const auto before = ReadSchemaVersion(connection, until);
    if (!before) {
      return tl::unexpected(before.error());
    }
    migration.before = migration.after = *before;
    if (before->version > kSchemaVersion) {
      if (const auto refusal = RefusalOf(*before, "the database")) {
        return tl::unexpected(Failure{*refusal, {}});
      }
    } else {
      migration.after = {kSchemaVersion, kCompatible.back()};
      if (auto run = connection.Execute(Script(*before, retention), until); !run) {
        return tl::unexpected(std::move(run.error()));
      }
    }
    if (auto committed = connection.Execute("COMMIT", until); !committed) {
      return tl::unexpected(std::move(committed.error()));
    }
    return migration;
  };
  const Outcome<Migration> migration = migrate();
  if (!migration) {
    static_cast<void>(connection.Execute("ROLLBACK", until));  // fails where the connection is gone, and the transaction with it
    return tl::unexpected<base::Error>(migration.error());
  }
  return *migration;
}

}  // namespace audit::postgresql
