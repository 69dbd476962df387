/**
 * Layers and records are documents. An entry of the history has the columns that its list filters by;
 * `subject` is what its number is bounded for: `hub`, `group:<name>` or `device:<id>`.
 */
export const createConfigurations = `CREATE TABLE configuration_layer (
    group_name TEXT PRIMARY KEY NOT NULL,
    document   TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE configuration_record (
    device_id TEXT NOT NULL,
    module_id TEXT NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (device_id, module_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE configuration_history (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    subject  TEXT NOT NULL,
    layer    TEXT NOT NULL,
    time_ms  INTEGER NOT NULL,
    document TEXT NOT NULL
  ) STRICT;
  CREATE INDEX configuration_history_by_subject ON configuration_history (subject, id, layer);
  CREATE INDEX configuration_history_by_layer ON configuration_history (layer, id);
  CREATE INDEX configuration_history_by_time ON configuration_history (time_ms);

  CREATE TABLE configuration_rollout (
    generation INTEGER NOT NULL,
    after      TEXT NOT NULL,
    is_done    INTEGER NOT NULL
  ) STRICT;
  INSERT INTO configuration_rollout VALUES (0, '', 1);`
