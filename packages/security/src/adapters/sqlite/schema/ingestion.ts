/** What came in from devices, fingerprints of their last events, verdicts that may be needed again. */
export const createIngestion = `CREATE TABLE intake (
    device_id TEXT PRIMARY KEY NOT NULL,
    document  TEXT NOT NULL
  ) STRICT;

  CREATE TABLE fingerprints (
    device_id TEXT NOT NULL,
    module_id TEXT NOT NULL,
    number    INTEGER NOT NULL,
    last_ms   INTEGER NOT NULL,
    bytes     BLOB NOT NULL,
    UNIQUE (device_id, module_id, number)
  ) STRICT;
  CREATE INDEX fingerprints_by_time ON fingerprints (last_ms);

  CREATE TABLE verdict (sequence INTEGER PRIMARY KEY NOT NULL, document TEXT NOT NULL) STRICT;

  CREATE TABLE intake_cursor (sequence INTEGER NOT NULL) STRICT;
  INSERT INTO intake_cursor VALUES (0);

  CREATE TABLE event_schema (name TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL) STRICT;`
