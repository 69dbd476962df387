/** Registered CA certificates; names are ASCII, so that NOCASE is all the case there is. */
export const createCertificates = `CREATE TABLE certificate (
     name              TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
     etag              INTEGER NOT NULL,
     raw               BLOB NOT NULL UNIQUE,
     verified          INTEGER NOT NULL,
     verification_code TEXT,
     created_ms        INTEGER NOT NULL,
     updated_ms        INTEGER NOT NULL
   ) STRICT`
