/** One row each: the routing document as a JSON text, and how often the hub has started. */
export const createRouting = `CREATE TABLE routing (
     id       INTEGER PRIMARY KEY CHECK (id = 1),
     etag     INTEGER NOT NULL,
     document TEXT NOT NULL
   ) STRICT;

   CREATE TABLE routing_epoch (
     id    INTEGER PRIMARY KEY CHECK (id = 1),
     epoch INTEGER NOT NULL
   ) STRICT;
   INSERT INTO routing_epoch VALUES (1, 0)`
