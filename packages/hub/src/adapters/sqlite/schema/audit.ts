/**
 * What happened to the hub itself; `event` is a JSON text of it without its sequence. Sequences are
 * never given twice, also when the newest events are gone.
 */
export const createAudit = `CREATE TABLE audit_event (
     sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
     kind      TEXT NOT NULL,
     device_id TEXT,
     is_noted  INTEGER NOT NULL,
     last_ms   INTEGER NOT NULL,
     event     TEXT NOT NULL
   ) STRICT;

   CREATE INDEX audit_event_kind ON audit_event (kind, sequence);
   CREATE INDEX audit_event_device ON audit_event (device_id, sequence);
   CREATE INDEX audit_event_noted ON audit_event (is_noted, sequence);
   CREATE INDEX audit_event_age ON audit_event (last_ms)`
