/** When time alone changes something of a device's recommendations; 0 = never. */
const extendMemory = `ALTER TABLE memory ADD COLUMN due_ms INTEGER
    AS (coalesce(document ->> '$.values.recommendations.dueMs', 0)) VIRTUAL;
  CREATE INDEX memory_due ON memory (due_ms, device_id) WHERE due_ms > 0;`

/** How many there are of each type, state and severity, kept by triggers. */
const countTypes = `CREATE TABLE recommendation_tally (
    recommendation_type TEXT NOT NULL,
    state               TEXT NOT NULL,
    severity            TEXT NOT NULL,
    count               INTEGER NOT NULL,
    PRIMARY KEY (recommendation_type, state, severity)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO recommendation_tally
    SELECT recommendation_type, state, severity, count(*) FROM recommendation GROUP BY 1, 2, 3;
  CREATE TRIGGER recommendation_tally_more AFTER INSERT ON recommendation BEGIN
    INSERT INTO recommendation_tally VALUES (new.recommendation_type, new.state, new.severity, 1)
      ON CONFLICT (recommendation_type, state, severity) DO UPDATE SET count = count + 1;
  END;
  CREATE TRIGGER recommendation_tally_less AFTER DELETE ON recommendation BEGIN
    UPDATE recommendation_tally SET count = count - 1 WHERE state = old.state
      AND recommendation_type = old.recommendation_type AND severity = old.severity;
    DELETE FROM recommendation_tally WHERE count = 0 AND state = old.state
      AND recommendation_type = old.recommendation_type AND severity = old.severity;
  END;
  CREATE TRIGGER recommendation_tally_moved AFTER UPDATE ON recommendation
    WHEN new.state <> old.state OR new.severity <> old.severity
      OR new.recommendation_type <> old.recommendation_type BEGIN
    INSERT INTO recommendation_tally VALUES (new.recommendation_type, new.state, new.severity, 1)
      ON CONFLICT (recommendation_type, state, severity) DO UPDATE SET count = count + 1;
    UPDATE recommendation_tally SET count = count - 1 WHERE state = old.state
      AND recommendation_type = old.recommendation_type AND severity = old.severity;
    DELETE FROM recommendation_tally WHERE count = 0 AND state = old.state
      AND recommendation_type = old.recommendation_type AND severity = old.severity;
  END;`

/** Types that are off, and the marks of credentials: keyed hashes, with the key beside them. */
const createRegister = `CREATE TABLE disabled_recommendation (
    name TEXT PRIMARY KEY NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE credential_key (id INTEGER PRIMARY KEY CHECK (id = 1), key TEXT NOT NULL) STRICT;
  CREATE TABLE credential_mark (
    mark      TEXT NOT NULL,
    device_id TEXT NOT NULL,
    module_id TEXT NOT NULL,
    kind      TEXT NOT NULL,
    pass      INTEGER NOT NULL,
    PRIMARY KEY (mark, device_id, module_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX credential_mark_by_device ON credential_mark (device_id, module_id);`

/** Vulnerabilities that operators imported, by the packages that they are in; the last SBoM of each device. */
const createVulnerabilities = `CREATE TABLE vulnerability (
    id       TEXT PRIMARY KEY NOT NULL,
    source   TEXT NOT NULL,
    document TEXT NOT NULL
  ) STRICT;
  CREATE INDEX vulnerability_by_source ON vulnerability (source, id);
  CREATE TABLE affected_package (
    name             TEXT NOT NULL,
    vulnerability_id TEXT NOT NULL,
    PRIMARY KEY (name, vulnerability_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX affected_package_by_vulnerability ON affected_package (vulnerability_id);
  CREATE TRIGGER vulnerability_removed AFTER DELETE ON vulnerability BEGIN
    DELETE FROM affected_package WHERE vulnerability_id = old.id;
  END;
  CREATE TABLE vulnerability_count (count INTEGER NOT NULL) STRICT;
  INSERT INTO vulnerability_count VALUES (0);
  CREATE TRIGGER vulnerability_counted AFTER INSERT ON vulnerability BEGIN
    UPDATE vulnerability_count SET count = count + 1;
  END;
  CREATE TRIGGER vulnerability_uncounted AFTER DELETE ON vulnerability BEGIN
    UPDATE vulnerability_count SET count = count - 1;
  END;

  CREATE TABLE device_sbom (
    device_id TEXT PRIMARY KEY NOT NULL,
    pending   INTEGER NOT NULL,
    document  TEXT NOT NULL
  ) STRICT;
  CREATE INDEX device_sbom_pending ON device_sbom (device_id) WHERE pending > 0;`

/** History and switches of recommendations, and what they are made of beside records. */
export const extendRecommendations = `${extendMemory}
  ${countTypes}
  ${createRegister}
  ${createVulnerabilities}`
