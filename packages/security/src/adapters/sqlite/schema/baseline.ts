/**
 * Outcomes of baseline checks, by device and benchmark. What a check is, with its texts, is stored once
 * for all devices that have the same, and goes with the last of them; a device's row holds numbers:
 *
 *     definitions  [no of baseline_definition]
 *     outcomes     [[result, changed, since?, error?]] of the same checks; times in ms after base_ms
 *     failing      [[no of baseline_check, result, since]] that are open
 *
 * Everything else is kept by triggers, so that nobody ever counts rows. Definitions and checks of no
 * device are removed by the unit that let go of them.
 */
export const createBaseline = `CREATE TABLE baseline_definition (
    no       INTEGER PRIMARY KEY,
    hash     TEXT NOT NULL UNIQUE,
    users    INTEGER NOT NULL DEFAULT 0,
    document TEXT NOT NULL
  ) STRICT;
  CREATE INDEX baseline_definition_unused ON baseline_definition (no) WHERE users = 0;

  CREATE TABLE baseline_check (
    no        INTEGER PRIMARY KEY,
    benchmark TEXT NOT NULL,
    check_id  TEXT NOT NULL,
    failing   INTEGER NOT NULL DEFAULT 0,
    errors    INTEGER NOT NULL DEFAULT 0,
    most_first INTEGER AS (-failing - errors) VIRTUAL,
    UNIQUE (benchmark, check_id)
  ) STRICT;
  CREATE INDEX baseline_check_by_devices ON baseline_check (most_first, benchmark, check_id);

  CREATE TABLE baseline (
    device_id    TEXT NOT NULL,
    benchmark    TEXT NOT NULL,
    evaluated_ms INTEGER NOT NULL,
    base_ms      INTEGER NOT NULL,
    document     TEXT NOT NULL,
    definitions  TEXT NOT NULL,
    outcomes     TEXT NOT NULL,
    failing      TEXT NOT NULL,
    pass         INTEGER NOT NULL,
    fail         INTEGER NOT NULL,
    error        INTEGER NOT NULL,
    skip         INTEGER NOT NULL,
    disabled     INTEGER NOT NULL,
    PRIMARY KEY (device_id, benchmark)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX baseline_by_benchmark ON baseline (benchmark, device_id);

  CREATE TRIGGER baseline_definitions_added AFTER INSERT ON baseline BEGIN
    UPDATE baseline_definition SET users = users + 1
      WHERE no IN (SELECT value FROM json_each(new.definitions));
  END;
  CREATE TRIGGER baseline_definitions_changed AFTER UPDATE ON baseline
    WHEN old.definitions <> new.definitions BEGIN
    UPDATE baseline_definition SET users = users + 1
      WHERE no IN (SELECT value FROM json_each(new.definitions));
    UPDATE baseline_definition SET users = users - 1
      WHERE no IN (SELECT value FROM json_each(old.definitions));
  END;
  CREATE TRIGGER baseline_definitions_removed AFTER DELETE ON baseline BEGIN
    UPDATE baseline_definition SET users = users - 1
      WHERE no IN (SELECT value FROM json_each(old.definitions));
  END;

  CREATE TABLE baseline_failure (
    check_no  INTEGER NOT NULL,
    device_id TEXT NOT NULL,
    result    INTEGER NOT NULL,
    since_ms  INTEGER NOT NULL,
    PRIMARY KEY (check_no, device_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER baseline_failure_added AFTER INSERT ON baseline_failure BEGIN
    UPDATE baseline_check SET failing = failing + (new.result = 1), errors = errors + (new.result = 2)
      WHERE no = new.check_no;
  END;
  CREATE TRIGGER baseline_failure_removed AFTER DELETE ON baseline_failure BEGIN
    UPDATE baseline_check SET failing = failing - (old.result = 1), errors = errors - (old.result = 2)
      WHERE no = old.check_no;
  END;

  CREATE TRIGGER baseline_failing_added AFTER INSERT ON baseline BEGIN
    INSERT INTO baseline_failure
      SELECT value ->> 0, new.device_id, value ->> 1, new.base_ms + (value ->> 2)
      FROM json_each(new.failing);
  END;
  CREATE TRIGGER baseline_failing_changed AFTER UPDATE ON baseline
    WHEN old.failing <> new.failing OR old.base_ms <> new.base_ms BEGIN
    DELETE FROM baseline_failure WHERE device_id = old.device_id
      AND check_no IN (SELECT value ->> 0 FROM json_each(old.failing));
    INSERT INTO baseline_failure
      SELECT value ->> 0, new.device_id, value ->> 1, new.base_ms + (value ->> 2)
      FROM json_each(new.failing);
  END;
  CREATE TRIGGER baseline_failing_removed AFTER DELETE ON baseline BEGIN
    DELETE FROM baseline_failure WHERE device_id = old.device_id
      AND check_no IN (SELECT value ->> 0 FROM json_each(old.failing));
  END;

  CREATE TABLE baseline_total (
    benchmark TEXT PRIMARY KEY NOT NULL,
    devices   INTEGER NOT NULL,
    pass      INTEGER NOT NULL,
    fail      INTEGER NOT NULL,
    error     INTEGER NOT NULL,
    skip      INTEGER NOT NULL,
    disabled  INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX baseline_total_by_devices ON baseline_total (devices);
  CREATE TRIGGER baseline_total_added AFTER INSERT ON baseline BEGIN
    INSERT INTO baseline_total
      VALUES (new.benchmark, 1, new.pass, new.fail, new.error, new.skip, new.disabled)
      ON CONFLICT (benchmark) DO UPDATE SET
        devices = devices + 1, pass = pass + new.pass, fail = fail + new.fail,
        error = error + new.error, skip = skip + new.skip, disabled = disabled + new.disabled;
  END;
  CREATE TRIGGER baseline_total_changed AFTER UPDATE ON baseline BEGIN
    UPDATE baseline_total SET
      pass = pass + new.pass - old.pass, fail = fail + new.fail - old.fail,
      error = error + new.error - old.error, skip = skip + new.skip - old.skip,
      disabled = disabled + new.disabled - old.disabled
      WHERE benchmark = new.benchmark;
  END;
  CREATE TRIGGER baseline_total_removed AFTER DELETE ON baseline BEGIN
    UPDATE baseline_total SET
      devices = devices - 1, pass = pass - old.pass, fail = fail - old.fail,
      error = error - old.error, skip = skip - old.skip, disabled = disabled - old.disabled
      WHERE benchmark = old.benchmark;
    DELETE FROM baseline_total WHERE benchmark = old.benchmark AND devices = 0;
  END;

  CREATE TABLE custom_checks (
    hash     TEXT PRIMARY KEY NOT NULL,
    document TEXT NOT NULL,
    content  TEXT NOT NULL
  ) STRICT;`
