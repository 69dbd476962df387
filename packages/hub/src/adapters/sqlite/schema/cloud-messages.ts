// A device's own messages have the empty module id. AUTOINCREMENT: a sequence never returns, even
// when its message has gone. `headers` is JSON; `message_id` and `ack` stand aside because whoever
// removes a message needs them and nothing else of it.
export const createCloudMessages = `CREATE TABLE cloud_message (
     sequence       INTEGER PRIMARY KEY AUTOINCREMENT,
     device_id      TEXT NOT NULL,
     module_id      TEXT NOT NULL,
     generation_id  TEXT NOT NULL,
     message_id     TEXT NOT NULL,
     ack            TEXT NOT NULL,
     enqueued_ms    INTEGER NOT NULL,
     expires_ms     INTEGER NOT NULL,
     delivery_count INTEGER NOT NULL,
     headers        TEXT NOT NULL,
     body           BLOB NOT NULL
   ) STRICT;

   CREATE INDEX cloud_message_queue ON cloud_message (device_id, module_id, generation_id);
   CREATE INDEX cloud_message_expiry ON cloud_message (expires_ms);

   CREATE TABLE feedback (
     sequence      INTEGER PRIMARY KEY AUTOINCREMENT,
     device_id     TEXT NOT NULL,
     module_id     TEXT NOT NULL,
     generation_id TEXT NOT NULL,
     message_id    TEXT NOT NULL,
     status        TEXT NOT NULL,
     time_ms       INTEGER NOT NULL
   ) STRICT;

   CREATE INDEX feedback_time ON feedback (time_ms)`
