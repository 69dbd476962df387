import { MODULE_STATES } from '../../../modules/state.ts'

/**
 * Records of security modules and what is left of deleted ones. Columns are what a filter or an order
 * needs; everything is in the document. How many are in a state is kept by triggers, so that nobody
 * ever counts rows.
 */
export const createModules = `CREATE TABLE module (
    device_id TEXT PRIMARY KEY NOT NULL,
    state     TEXT NOT NULL,
    due_ms    INTEGER NOT NULL,
    document  TEXT NOT NULL
  ) STRICT;
  CREATE INDEX module_by_state ON module (state, device_id);
  CREATE INDEX module_due ON module (due_ms, device_id) WHERE due_ms > 0;

  CREATE TABLE module_count (state TEXT PRIMARY KEY NOT NULL, count INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
  INSERT INTO module_count VALUES ${MODULE_STATES.map((state) => `('${state}', 0)`).join(', ')};
  CREATE TRIGGER module_added AFTER INSERT ON module BEGIN
    UPDATE module_count SET count = count + 1 WHERE state = new.state;
  END;
  CREATE TRIGGER module_removed AFTER DELETE ON module BEGIN
    UPDATE module_count SET count = count - 1 WHERE state = old.state;
  END;
  CREATE TRIGGER module_changed AFTER UPDATE ON module WHEN new.state <> old.state BEGIN
    UPDATE module_count SET count = count - 1 WHERE state = old.state;
    UPDATE module_count SET count = count + 1 WHERE state = new.state;
  END;

  CREATE TABLE tombstone (
    device_id    TEXT PRIMARY KEY NOT NULL,
    deleted_ms   INTEGER NOT NULL,
    newest_first INTEGER AS (-deleted_ms) VIRTUAL,
    document     TEXT NOT NULL
  ) STRICT;
  CREATE INDEX tombstone_by_time ON tombstone (newest_first, device_id);
  CREATE INDEX tombstone_by_age ON tombstone (deleted_ms);

  CREATE TABLE run (has_ended INTEGER NOT NULL) STRICT;
  INSERT INTO run VALUES (1);`
