// event_head keeps the greatest sequence of a partition from which records were removed.
export const createEvents = `CREATE TABLE event (
     id          INTEGER PRIMARY KEY,
     stream      TEXT NOT NULL,
     partition   INTEGER NOT NULL,
     sequence    INTEGER NOT NULL,
     enqueued_ms INTEGER NOT NULL,
     device_id   TEXT NOT NULL,
     module_id   TEXT NOT NULL,
     headers     TEXT NOT NULL,
     body        BLOB NOT NULL,
     UNIQUE (stream, partition, sequence)
   ) STRICT;

   CREATE INDEX event_enqueued ON event (stream, enqueued_ms);

   CREATE TABLE event_head (
     stream    TEXT NOT NULL,
     partition INTEGER NOT NULL,
     sequence  INTEGER NOT NULL,
     PRIMARY KEY (stream, partition)
   ) STRICT, WITHOUT ROWID`
