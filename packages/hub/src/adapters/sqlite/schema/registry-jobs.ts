/** Import and export jobs; `job` is a JSON text. */
export const createRegistryJobs = `CREATE TABLE registry_job (
     job_id   TEXT PRIMARY KEY,
     start_ms INTEGER NOT NULL,
     job      TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;

   CREATE INDEX registry_job_start ON registry_job (start_ms DESC, job_id)`
