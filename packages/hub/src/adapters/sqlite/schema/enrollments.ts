/**
 * Enrolments and registrations as JSON texts; ids are ASCII, so that NOCASE is all the case there is.
 * The count saves each insert from counting a million rows.
 */
export const createEnrollments = `CREATE TABLE enrollment (
     kind       TEXT NOT NULL,
     id         TEXT NOT NULL COLLATE NOCASE,
     etag       TEXT NOT NULL,
     enrollment TEXT NOT NULL,
     PRIMARY KEY (kind, id)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE registration (
     id              TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
     enrollment_kind TEXT NOT NULL,
     enrollment_id   TEXT NOT NULL COLLATE NOCASE,
     etag            TEXT NOT NULL,
     registration    TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;

   CREATE INDEX registration_enrollment ON registration (enrollment_kind, enrollment_id, id);

   CREATE TABLE enrollment_count (kind TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
   INSERT INTO enrollment_count VALUES ('individual', 0), ('group', 0);

   CREATE TRIGGER enrollment_insert AFTER INSERT ON enrollment
   BEGIN UPDATE enrollment_count SET count = count + 1 WHERE kind = new.kind; END;

   CREATE TRIGGER enrollment_delete AFTER DELETE ON enrollment
   BEGIN
     UPDATE enrollment_count SET count = count - 1 WHERE kind = old.kind;
     DELETE FROM registration WHERE enrollment_kind = old.kind AND enrollment_id = old.id;
   END;`
