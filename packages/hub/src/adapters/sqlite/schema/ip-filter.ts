/** Which addresses may connect (`rules` is a JSON text, one row), and which were seen. */
export const createIpFilter = `CREATE TABLE ip_filter (rules TEXT NOT NULL) STRICT;
   CREATE TABLE observed_address (
     address TEXT PRIMARY KEY,
     seen_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID`
