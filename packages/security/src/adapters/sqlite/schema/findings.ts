/**
 * A finding's columns are what a filter or an order needs; everything is in its document. Each list
 * has one index per filter, in the list's order, followed by what the other filters look at, so that
 * a combination is decided without reading documents. `newest_first` turns the order around, since
 * (time descending, id ascending) could not be continued after a place in one step.
 */
export const createFindings = `CREATE TABLE alert (
    id           TEXT PRIMARY KEY NOT NULL,
    device_id    TEXT NOT NULL,
    alert_type   TEXT NOT NULL,
    severity     TEXT NOT NULL,
    status       TEXT NOT NULL,
    dedupe_key   TEXT NOT NULL,
    start_ms     INTEGER NOT NULL,
    end_ms       INTEGER NOT NULL,
    newest_first INTEGER AS (-end_ms) VIRTUAL,
    is_open      INTEGER AS (status IN ('Active', 'InProgress')) VIRTUAL,
    document     TEXT NOT NULL
  ) STRICT;
  CREATE INDEX alert_by_time ON alert (newest_first, id, start_ms);
  CREATE INDEX alert_by_device
    ON alert (device_id, newest_first, id, start_ms, alert_type, status, severity);
  CREATE INDEX alert_by_type ON alert (alert_type, newest_first, id, start_ms, status, severity);
  CREATE INDEX alert_by_status ON alert (status, newest_first, id, start_ms, severity);
  CREATE INDEX alert_by_severity ON alert (severity, newest_first, id, start_ms);
  CREATE INDEX alert_by_key ON alert (dedupe_key, newest_first, id);
  CREATE INDEX alert_open ON alert (device_id, newest_first, id) WHERE is_open = 1;

  CREATE TABLE recommendation (
    id                  TEXT PRIMARY KEY NOT NULL,
    device_id           TEXT NOT NULL,
    recommendation_type TEXT NOT NULL,
    severity            TEXT NOT NULL,
    state               TEXT NOT NULL,
    changed_ms          INTEGER NOT NULL,
    newest_first        INTEGER AS (-changed_ms) VIRTUAL,
    is_active           INTEGER AS (state = 'Active') VIRTUAL,
    document            TEXT NOT NULL
  ) STRICT;
  CREATE INDEX recommendation_by_time ON recommendation (newest_first, id);
  CREATE INDEX recommendation_by_device
    ON recommendation (device_id, newest_first, id, recommendation_type, state, severity);
  CREATE INDEX recommendation_by_type
    ON recommendation (recommendation_type, newest_first, id, state, severity);
  CREATE INDEX recommendation_by_state ON recommendation (state, newest_first, id, severity);
  CREATE INDEX recommendation_by_severity ON recommendation (severity, newest_first, id);

  CREATE TABLE agent (
    device_id TEXT PRIMARY KEY NOT NULL,
    document  TEXT NOT NULL,
    last_ms   INTEGER AS (document ->> '$.lastMessageMs') VIRTUAL
  ) STRICT;
  CREATE INDEX agent_by_time ON agent (last_ms, device_id);
  CREATE TABLE memory (device_id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL) STRICT;

  CREATE TABLE rejection (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id TEXT NOT NULL,
    document  TEXT NOT NULL
  ) STRICT;
  CREATE INDEX rejection_by_device ON rejection (device_id, id);

  CREATE TABLE cursor (sequence INTEGER NOT NULL) STRICT;
  INSERT INTO cursor VALUES (0);`

/** Counts, kept by triggers, so that nobody ever counts rows. */
export const countFindings = `CREATE TABLE tally (name TEXT PRIMARY KEY NOT NULL, count INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
  INSERT INTO tally VALUES
    ('open Informational', 0), ('open Low', 0), ('open Medium', 0), ('open High', 0),
    ('active Informational', 0), ('active Low', 0), ('active Medium', 0), ('active High', 0),
    ('devices', 0), ('rejections', 0);

  CREATE TABLE open_device (device_id TEXT PRIMARY KEY NOT NULL, alerts INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
  CREATE TRIGGER open_device_added AFTER INSERT ON open_device BEGIN
    UPDATE tally SET count = count + 1 WHERE name = 'devices';
  END;
  CREATE TRIGGER open_device_removed AFTER DELETE ON open_device BEGIN
    UPDATE tally SET count = count - 1 WHERE name = 'devices';
  END;

  CREATE TRIGGER alert_added AFTER INSERT ON alert WHEN new.is_open = 1 BEGIN
    UPDATE tally SET count = count + 1 WHERE name = 'open ' || new.severity;
    INSERT INTO open_device VALUES (new.device_id, 1)
      ON CONFLICT (device_id) DO UPDATE SET alerts = alerts + 1;
  END;
  CREATE TRIGGER alert_removed AFTER DELETE ON alert WHEN old.is_open = 1 BEGIN
    UPDATE tally SET count = count - 1 WHERE name = 'open ' || old.severity;
    UPDATE open_device SET alerts = alerts - 1 WHERE device_id = old.device_id;
    DELETE FROM open_device WHERE device_id = old.device_id AND alerts = 0;
  END;
  CREATE TRIGGER alert_left AFTER UPDATE ON alert WHEN old.is_open = 1 AND
    (new.is_open = 0 OR new.severity <> old.severity OR new.device_id <> old.device_id) BEGIN
    UPDATE tally SET count = count - 1 WHERE name = 'open ' || old.severity;
    UPDATE open_device SET alerts = alerts - 1 WHERE device_id = old.device_id;
    DELETE FROM open_device WHERE device_id = old.device_id AND alerts = 0;
  END;
  CREATE TRIGGER alert_came AFTER UPDATE ON alert WHEN new.is_open = 1 AND
    (old.is_open = 0 OR new.severity <> old.severity OR new.device_id <> old.device_id) BEGIN
    UPDATE tally SET count = count + 1 WHERE name = 'open ' || new.severity;
    INSERT INTO open_device VALUES (new.device_id, 1)
      ON CONFLICT (device_id) DO UPDATE SET alerts = alerts + 1;
  END;

  CREATE TRIGGER recommendation_added AFTER INSERT ON recommendation WHEN new.is_active = 1 BEGIN
    UPDATE tally SET count = count + 1 WHERE name = 'active ' || new.severity;
  END;
  CREATE TRIGGER recommendation_removed AFTER DELETE ON recommendation WHEN old.is_active = 1 BEGIN
    UPDATE tally SET count = count - 1 WHERE name = 'active ' || old.severity;
  END;
  CREATE TRIGGER recommendation_changed AFTER UPDATE ON recommendation
    WHEN new.is_active <> old.is_active OR new.severity <> old.severity BEGIN
    UPDATE tally SET count = count - old.is_active WHERE name = 'active ' || old.severity;
    UPDATE tally SET count = count + new.is_active WHERE name = 'active ' || new.severity;
  END;

  CREATE TABLE rejecting_device (device_id TEXT PRIMARY KEY NOT NULL, rejections INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
  CREATE TRIGGER rejection_added AFTER INSERT ON rejection BEGIN
    UPDATE tally SET count = count + 1 WHERE name = 'rejections';
    INSERT INTO rejecting_device VALUES (new.device_id, 1)
      ON CONFLICT (device_id) DO UPDATE SET rejections = rejections + 1;
  END;
  CREATE TRIGGER rejection_removed AFTER DELETE ON rejection BEGIN
    UPDATE tally SET count = count - 1 WHERE name = 'rejections';
    UPDATE rejecting_device SET rejections = rejections - 1 WHERE device_id = old.device_id;
    DELETE FROM rejecting_device WHERE device_id = old.device_id AND rejections = 0;
  END;`
