/**
 * What devices did at the hub, counted in windows that are not judged yet (`windows` is a JSON list),
 * and up to where the hub's own events are accounted for.
 */
export const createActivity = `CREATE TABLE device_windows (
     device_id TEXT PRIMARY KEY,
     windows   TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE hub_events (
     only     INTEGER PRIMARY KEY CHECK (only = 1),
     sequence INTEGER NOT NULL
   ) STRICT;
   INSERT INTO hub_events (only, sequence) VALUES (1, 0)`
