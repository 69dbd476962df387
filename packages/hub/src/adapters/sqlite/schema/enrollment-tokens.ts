/** Enrolment tokens of security modules; `token` is a JSON text without what the columns hold. */
export const createEnrollmentTokens = `CREATE TABLE enrollment_token (
     token_id     TEXT PRIMARY KEY,
     device_id    TEXT NOT NULL,
     created_ms   INTEGER NOT NULL,
     expires_ms   INTEGER NOT NULL,
     used_ms      INTEGER,
     used_address TEXT,
     token        TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;

   CREATE INDEX enrollment_token_device ON enrollment_token (device_id, created_ms DESC);
   CREATE INDEX enrollment_token_expiry ON enrollment_token (expires_ms)`
