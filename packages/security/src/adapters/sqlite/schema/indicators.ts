/** The lists of indicators that operators imported, and what they set for rules by security group. */
export const createIndicators = `CREATE TABLE indicator (
    id         TEXT PRIMARY KEY NOT NULL,
    kind       TEXT NOT NULL,
    source     TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    document   TEXT NOT NULL
  ) STRICT;
  CREATE INDEX indicator_by_kind ON indicator (kind, id, source);
  CREATE INDEX indicator_by_source ON indicator (source, id);
  CREATE INDEX indicator_by_expiry ON indicator (expires_ms) WHERE expires_ms > 0;

  CREATE TABLE indicator_count (count INTEGER NOT NULL) STRICT;
  INSERT INTO indicator_count VALUES (0);
  CREATE TRIGGER indicator_added AFTER INSERT ON indicator BEGIN
    UPDATE indicator_count SET count = count + 1;
  END;
  CREATE TRIGGER indicator_removed AFTER DELETE ON indicator BEGIN
    UPDATE indicator_count SET count = count - 1;
  END;

  CREATE TABLE rule_setting (group_name TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL) STRICT;`
