/** Scheduled jobs and their outcome per device; `job` is a JSON text. Places never come again. */
export const createJobs = `CREATE TABLE job (
     job_id     TEXT PRIMARY KEY,
     type       TEXT NOT NULL,
     status     TEXT NOT NULL,
     created_ms INTEGER NOT NULL,
     end_ms     INTEGER,
     job        TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX job_created ON job (created_ms DESC, job_id);

   CREATE TABLE job_target (
     place      INTEGER PRIMARY KEY AUTOINCREMENT,
     job_id     TEXT NOT NULL,
     device_id  TEXT NOT NULL,
     module_id  TEXT NOT NULL,
     type       TEXT NOT NULL,
     status     TEXT NOT NULL,
     created_ms INTEGER NOT NULL,
     updated_ms INTEGER NOT NULL,
     start_ms   INTEGER NOT NULL,
     end_ms     INTEGER NOT NULL,
     answer     TEXT,
     error      TEXT,
     UNIQUE (job_id, device_id, module_id)
   ) STRICT;
   CREATE INDEX job_target_job ON job_target (job_id, place);
   CREATE INDEX job_target_status ON job_target (job_id, status, place);
   CREATE INDEX job_target_device ON job_target (device_id, place)`
