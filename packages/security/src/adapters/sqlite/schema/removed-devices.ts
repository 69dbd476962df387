/** What is left of removed devices: when that was. Alerts go by their own age. */
export const markRemovedDevices = `ALTER TABLE alert ADD COLUMN removed_ms INTEGER
    AS (document ->> '$.deviceRemovedMs') VIRTUAL;
  ALTER TABLE recommendation ADD COLUMN removed_ms INTEGER
    AS (document ->> '$.deviceRemovedMs') VIRTUAL;
  CREATE INDEX recommendation_removed ON recommendation (removed_ms) WHERE removed_ms IS NOT NULL`
