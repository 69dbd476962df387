/**
 * Automatic configurations, passes over the twins that they concern, and what they made of each twin.
 *
 * `entry.configurations` are the statuses as services see them, NULL for most twins: an index of those
 * that have any finds the twins of a configuration. `entry.configured` is the rest of the record.
 */
export const createConfigurations = `ALTER TABLE entry ADD COLUMN configurations TEXT;
   ALTER TABLE entry ADD COLUMN configured TEXT;
   CREATE INDEX entry_configured ON entry (is_module) WHERE configurations IS NOT NULL;

   CREATE TABLE configuration (
     id            TEXT PRIMARY KEY,
     revision      INTEGER NOT NULL,
     configuration TEXT NOT NULL,
     results       TEXT
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE configuration_pass (
     id       TEXT PRIMARY KEY,
     number   INTEGER NOT NULL,
     place    TEXT NOT NULL
   ) STRICT, WITHOUT ROWID`
