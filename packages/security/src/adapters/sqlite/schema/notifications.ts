/**
 * The feed of changed findings, kept by triggers: whoever changes a finding, and however many at once,
 * appends to the feed in the same transaction. `total` is the characters of all documents up to here,
 * so that what is too much is found without counting.
 */
const createFeed = `CREATE TABLE finding_change (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    is_alert  INTEGER NOT NULL,
    status    TEXT,
    severity  TEXT,
    count     INTEGER,
    document  TEXT NOT NULL,
    total     INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX finding_change_by_total ON finding_change (total);
  CREATE VIEW finding_change_end AS
    SELECT coalesce((SELECT total FROM finding_change ORDER BY sequence DESC LIMIT 1), 0) AS total;

  CREATE TRIGGER alert_opened AFTER INSERT ON alert BEGIN
    INSERT INTO finding_change (is_alert, document, total)
      SELECT 1, new.document, total + length(new.document) FROM finding_change_end;
  END;
  CREATE TRIGGER alert_changed AFTER UPDATE ON alert WHEN new.document <> old.document BEGIN
    INSERT INTO finding_change (is_alert, status, severity, count, document, total)
      SELECT 1, old.status, old.severity, old.document ->> '$.count',
        new.document, total + length(new.document) FROM finding_change_end;
  END;
  CREATE TRIGGER recommendation_opened AFTER INSERT ON recommendation BEGIN
    INSERT INTO finding_change (is_alert, document, total)
      SELECT 0, new.document, total + length(new.document) FROM finding_change_end;
  END;
  CREATE TRIGGER recommendation_rewritten AFTER UPDATE ON recommendation
    WHEN new.document <> old.document BEGIN
    INSERT INTO finding_change (is_alert, status, severity, count, document, total)
      SELECT 0, old.state, old.severity, 0,
        new.document, total + length(new.document) FROM finding_change_end;
  END;`

/** Channels, routes, and what waits for each channel with the place that it has reached in the feed. */
const createOutbox = `CREATE TABLE notification_channel (
    id       TEXT PRIMARY KEY NOT NULL,
    document TEXT NOT NULL
  ) STRICT;
  CREATE TABLE notification_route (
    id       TEXT PRIMARY KEY NOT NULL,
    document TEXT NOT NULL
  ) STRICT;
  CREATE TABLE notification_progress (
    channel_id TEXT PRIMARY KEY NOT NULL,
    document   TEXT NOT NULL
  ) STRICT;
  CREATE TABLE notification_delivery (
    id         TEXT PRIMARY KEY NOT NULL,
    channel_id TEXT NOT NULL,
    number     INTEGER NOT NULL,
    document   TEXT NOT NULL
  ) STRICT;
  CREATE INDEX notification_delivery_by_channel ON notification_delivery (channel_id, number);
  CREATE TABLE notification_dead_letter (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    channel_id TEXT NOT NULL,
    document   TEXT NOT NULL
  ) STRICT;
  CREATE INDEX notification_dead_letter_by_channel
    ON notification_dead_letter (channel_id, number);
  CREATE TABLE drill (id TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL) STRICT;`

/** The feed of changed findings, and what is sent of it. */
export const createNotifications = `${createFeed}\n${createOutbox}`
