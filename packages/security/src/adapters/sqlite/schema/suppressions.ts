/**
 * Suppressions of alerts; what was held back, by reason; what groups learned, with how many devices
 * (under no type) and how many values of each type there are. Then what aggregated alerts need: the UTC day on which an alert began, devices by it, and counts by type, day, severity
 * and status, kept by triggers.
 */
export const createSuppressions = `CREATE TABLE suppression (
    id         TEXT PRIMARY KEY NOT NULL,
    created_ms INTEGER NOT NULL,
    document   TEXT NOT NULL
  ) STRICT;

  CREATE TABLE held_back (
    reason      TEXT NOT NULL,
    alert_type  TEXT NOT NULL,
    by_id       TEXT NOT NULL,
    count       INTEGER NOT NULL,
    last_ms     INTEGER NOT NULL,
    last_device TEXT NOT NULL,
    PRIMARY KEY (by_id, reason, alert_type)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE learned (
    group_name TEXT NOT NULL,
    alert_type TEXT NOT NULL,
    name       TEXT NOT NULL,
    value      TEXT NOT NULL,
    device_id  TEXT NOT NULL,
    PRIMARY KEY (group_name, alert_type, name, value, device_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX learned_by_device ON learned (device_id, group_name, alert_type);
  CREATE TABLE learned_count (
    group_name TEXT NOT NULL,
    alert_type TEXT NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (group_name, alert_type)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER learned_added AFTER INSERT ON learned
    WHEN new.alert_type = '' OR NOT EXISTS (SELECT 1 FROM learned
      WHERE group_name = new.group_name AND alert_type = new.alert_type AND name = new.name
        AND value = new.value AND device_id <> new.device_id) BEGIN
    INSERT INTO learned_count VALUES (new.group_name, new.alert_type, 1)
      ON CONFLICT (group_name, alert_type) DO UPDATE SET count = count + 1;
  END;
  CREATE TRIGGER learned_removed AFTER DELETE ON learned
    WHEN old.alert_type = '' OR NOT EXISTS (SELECT 1 FROM learned
      WHERE group_name = old.group_name AND alert_type = old.alert_type AND name = old.name
        AND value = old.value) BEGIN
    UPDATE learned_count SET count = count - 1
      WHERE group_name = old.group_name AND alert_type = old.alert_type;
  END;

  ALTER TABLE alert ADD COLUMN day INTEGER AS (start_ms / 86400000) VIRTUAL;
  CREATE INDEX alert_by_day ON alert (alert_type, day, device_id, is_open, end_ms);
  CREATE INDEX alert_closed ON alert (end_ms) WHERE is_open = 0;

  CREATE TABLE alert_day (
    day        INTEGER NOT NULL,
    alert_type TEXT NOT NULL,
    severity   TEXT NOT NULL,
    status     TEXT NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (day, alert_type, severity, status)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO alert_day
    SELECT day, alert_type, severity, status, count(*) FROM alert GROUP BY 1, 2, 3, 4;
  CREATE TRIGGER alert_day_added AFTER INSERT ON alert BEGIN
    INSERT INTO alert_day VALUES (new.day, new.alert_type, new.severity, new.status, 1)
      ON CONFLICT (day, alert_type, severity, status) DO UPDATE SET count = count + 1;
  END;
  CREATE TRIGGER alert_day_removed AFTER DELETE ON alert BEGIN
    UPDATE alert_day SET count = count - 1 WHERE day = old.day AND alert_type = old.alert_type
      AND severity = old.severity AND status = old.status;
    DELETE FROM alert_day WHERE day = old.day AND alert_type = old.alert_type
      AND severity = old.severity AND status = old.status AND count = 0;
  END;
  CREATE TRIGGER alert_day_changed AFTER UPDATE ON alert WHEN new.day <> old.day
    OR new.alert_type <> old.alert_type OR new.severity <> old.severity
    OR new.status <> old.status BEGIN
    UPDATE alert_day SET count = count - 1 WHERE day = old.day AND alert_type = old.alert_type
      AND severity = old.severity AND status = old.status;
    DELETE FROM alert_day WHERE day = old.day AND alert_type = old.alert_type
      AND severity = old.severity AND status = old.status AND count = 0;
    INSERT INTO alert_day VALUES (new.day, new.alert_type, new.severity, new.status, 1)
      ON CONFLICT (day, alert_type, severity, status) DO UPDATE SET count = count + 1;
  END`
