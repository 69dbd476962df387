// The device's own row has the empty module id. JSON texts, desired and reported as in
// section-text.ts; `id` is what a cached twin is updated by. What devices write themselves has a
// table of its own: its rows are short, so a group of patches changes few pages, and pages are
// what a commit costs.
export const createEntries = `CREATE TABLE entry (
     id        INTEGER PRIMARY KEY,
     device_id TEXT NOT NULL,
     module_id TEXT NOT NULL,
     disabled  INTEGER NOT NULL,
     etag      INTEGER NOT NULL,
     identity  TEXT NOT NULL,
     tags      TEXT NOT NULL,
     desired   TEXT NOT NULL,
     UNIQUE (device_id, module_id)
   ) STRICT;

   CREATE TABLE reported (
     id       INTEGER PRIMARY KEY REFERENCES entry ON DELETE CASCADE,
     version  INTEGER NOT NULL,
     reported TEXT NOT NULL
   ) STRICT;

   CREATE TABLE entry_count (devices INTEGER, disabled_devices INTEGER, modules INTEGER) STRICT;
   INSERT INTO entry_count VALUES (0, 0, 0);

   CREATE TRIGGER module_needs_device BEFORE INSERT ON entry
   WHEN new.module_id <> ''
    AND NOT EXISTS (SELECT 1 FROM entry WHERE device_id = new.device_id AND module_id = '')
   BEGIN SELECT RAISE(ABORT, 'a module without its device'); END;

   CREATE TRIGGER count_insert AFTER INSERT ON entry
   BEGIN UPDATE entry_count SET
     devices = devices + (new.module_id = ''),
     disabled_devices = disabled_devices + (new.module_id = '' AND new.disabled),
     modules = modules + (new.module_id <> '');
   END;

   CREATE TRIGGER count_delete AFTER DELETE ON entry
   BEGIN UPDATE entry_count SET
     devices = devices - (old.module_id = ''),
     disabled_devices = disabled_devices - (old.module_id = '' AND old.disabled),
     modules = modules - (old.module_id <> '');
   END;

   CREATE TRIGGER count_status AFTER UPDATE OF disabled ON entry
   WHEN new.module_id = '' AND new.disabled <> old.disabled
   BEGIN UPDATE entry_count SET disabled_devices = disabled_devices + new.disabled - old.disabled; END;`
