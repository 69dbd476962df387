/**
 * Scores by device, group and fleet, now and by day. The name of the fleet is ''. Totals are kept by
 * triggers, with each change of a device's row; a day's row says how the day ended.
 */
const createScores = `CREATE TABLE posture_score (
    device_id  TEXT PRIMARY KEY NOT NULL,
    day        INTEGER NOT NULL,
    score      INTEGER NOT NULL,
    group_name TEXT NOT NULL,
    weight     INTEGER NOT NULL,
    worst      TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE posture_day (
    device_id TEXT NOT NULL,
    day       INTEGER NOT NULL,
    score     INTEGER NOT NULL,
    PRIMARY KEY (device_id, day)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE posture_total (
    name    TEXT PRIMARY KEY NOT NULL,
    devices INTEGER NOT NULL,
    weight  INTEGER NOT NULL,
    points  INTEGER NOT NULL,
    high    INTEGER NOT NULL,
    medium  INTEGER NOT NULL,
    low     INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE posture_total_day (
    name    TEXT NOT NULL,
    day     INTEGER NOT NULL,
    devices INTEGER NOT NULL,
    weight  INTEGER NOT NULL,
    points  INTEGER NOT NULL,
    high    INTEGER NOT NULL,
    medium  INTEGER NOT NULL,
    low     INTEGER NOT NULL,
    PRIMARY KEY (name, day)
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER posture_score_added AFTER INSERT ON posture_score BEGIN
    ${add('new')}
    ${noteDay('new', 'new.group_name')}
  END;
  CREATE TRIGGER posture_score_changed AFTER UPDATE ON posture_score
    WHEN new.score <> old.score OR new.group_name <> old.group_name OR new.weight <> old.weight
      OR new.worst <> old.worst BEGIN
    ${subtract('old')}
    ${add('new')}
    ${noteDay('new', 'new.group_name, old.group_name')}
  END;
  CREATE TRIGGER posture_score_removed AFTER DELETE ON posture_score BEGIN
    ${subtract('old')}
    ${noteDay('old', 'old.group_name')}
    DELETE FROM posture_day WHERE device_id = old.device_id;
  END;`

function add(row: 'new'): string {
  const values = `1, ${row}.weight, ${row}.weight * ${row}.score,
      ${row}.worst = 'High', ${row}.worst = 'Medium', ${row}.worst = 'Low'`
  return `INSERT INTO posture_total VALUES ('', ${values}), (${row}.group_name, ${values})
      ON CONFLICT (name) DO UPDATE SET
        devices = devices + 1, weight = weight + excluded.weight,
        points = points + excluded.points, high = high + excluded.high,
        medium = medium + excluded.medium, low = low + excluded.low;`
}

function subtract(row: 'old'): string {
  return `UPDATE posture_total SET
      devices = devices - 1, weight = weight - ${row}.weight,
      points = points - ${row}.weight * ${row}.score, high = high - (${row}.worst = 'High'),
      medium = medium - (${row}.worst = 'Medium'), low = low - (${row}.worst = 'Low')
      WHERE name IN ('', ${row}.group_name);`
}

function noteDay(row: 'new' | 'old', groups: string): string {
  return `INSERT INTO posture_total_day
      SELECT name, ${row}.day, devices, weight, points, high, medium, low FROM posture_total
      WHERE name IN ('', ${groups})
      ON CONFLICT (name, day) DO UPDATE SET
        devices = excluded.devices, weight = excluded.weight, points = excluded.points,
        high = excluded.high, medium = excluded.medium, low = excluded.low;
    DELETE FROM posture_total WHERE devices = 0 AND name IN (${groups});`
}

/** Open alerts by type, and devices by how many they have, so that the most frequent are found at once. */
const countPrevalence = `CREATE TABLE alert_prevalence (
    alert_type TEXT NOT NULL,
    severity   TEXT NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (alert_type, severity)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX alert_prevalence_by_count ON alert_prevalence (count);
  INSERT INTO alert_prevalence
    SELECT alert_type, severity, count(*) FROM alert WHERE is_open = 1 GROUP BY 1, 2;
  CREATE TRIGGER alert_prevalence_added AFTER INSERT ON alert WHEN new.is_open = 1 BEGIN
    INSERT INTO alert_prevalence VALUES (new.alert_type, new.severity, 1)
      ON CONFLICT (alert_type, severity) DO UPDATE SET count = count + 1;
  END;
  CREATE TRIGGER alert_prevalence_removed AFTER DELETE ON alert WHEN old.is_open = 1 BEGIN
    UPDATE alert_prevalence SET count = count - 1
      WHERE alert_type = old.alert_type AND severity = old.severity;
    DELETE FROM alert_prevalence
      WHERE alert_type = old.alert_type AND severity = old.severity AND count = 0;
  END;
  CREATE TRIGGER alert_prevalence_changed AFTER UPDATE ON alert
    WHEN new.is_open <> old.is_open OR new.severity <> old.severity BEGIN
    UPDATE alert_prevalence SET count = count - old.is_open
      WHERE alert_type = old.alert_type AND severity = old.severity;
    INSERT INTO alert_prevalence SELECT new.alert_type, new.severity, 1 WHERE new.is_open = 1
      ON CONFLICT (alert_type, severity) DO UPDATE SET count = count + 1;
    DELETE FROM alert_prevalence
      WHERE alert_type = old.alert_type AND severity = old.severity AND count = 0;
  END;
  CREATE INDEX open_device_by_alerts ON open_device (alerts);`

/** Scores of devices that were there before are noted by the look that a run takes which did not end well. */
export const createPostureHistory = `${createScores}
  ${countPrevalence}
  UPDATE run SET has_ended = 0 WHERE EXISTS (SELECT 1 FROM module);`
