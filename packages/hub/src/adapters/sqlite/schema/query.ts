// What queries need beside the entries.
//
// The properties of a section move into a column of their own: a query parses only them. Rows of
// `connection` are the identities with an open session; they are removed when the file is opened.
// `tag_leaf` holds every string, number and boolean in tags by its path (`site.floor`),
// texts cut to their first 128 characters, booleans as blobs to tell them from numbers. Elements of arrays are none, and paths with a '[' or '"'
// in a name cannot be looked up. Triggers keep it, so that no writer can forget it; they write only
// what a change of tags changes. Indexes of `entry` end with its id, the order of results.
const LEAVES = `SELECT new.module_id <> '' AS is_module,
    replace(substr(fullkey, 3), '"', '') AS path,
    CASE tree.type WHEN 'text' THEN substr(atom, 1, 128)
      WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' ELSE atom END AS value,
    new.id AS id`
const OF_TAGS = "json_tree(new.tags) AS tree WHERE atom IS NOT NULL AND instr(fullkey, '[') = 0"

export const createQueryColumns = `ALTER TABLE entry ADD COLUMN desired_stamp TEXT NOT NULL DEFAULT '{}';
   UPDATE entry SET desired_stamp = json_remove(desired, '$.values'), desired = desired -> '$.values';
   ALTER TABLE reported ADD COLUMN stamp TEXT NOT NULL DEFAULT '{}';
   UPDATE reported SET stamp = json_remove(reported, '$.values'), reported = reported -> '$.values';

   ALTER TABLE entry ADD COLUMN is_module INTEGER AS (module_id <> '') VIRTUAL;
   CREATE INDEX entry_kind ON entry (is_module);
   CREATE INDEX entry_module ON entry (module_id);
   CREATE INDEX entry_status ON entry (is_module, disabled);

   CREATE TABLE connection (
     is_module INTEGER NOT NULL,
     id        INTEGER NOT NULL,
     PRIMARY KEY (is_module, id)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE tag_leaf (
     is_module INTEGER NOT NULL,
     path      TEXT NOT NULL,
     value     ANY NOT NULL,
     id        INTEGER NOT NULL,
     PRIMARY KEY (is_module, path, value, id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX tag_leaf_entry ON tag_leaf (id);

   INSERT OR IGNORE INTO tag_leaf (is_module, path, value, id)
   ${LEAVES} FROM entry AS new, ${OF_TAGS};

   CREATE TRIGGER tag_leaf_insert AFTER INSERT ON entry WHEN new.tags <> '{}'
   BEGIN INSERT OR IGNORE INTO tag_leaf (is_module, path, value, id) ${LEAVES} FROM ${OF_TAGS}; END;

   CREATE TRIGGER tag_leaf_update AFTER UPDATE OF tags ON entry WHEN new.tags <> old.tags
   BEGIN
     DELETE FROM tag_leaf WHERE id = new.id
       AND (path, value) NOT IN (SELECT path, value FROM (${LEAVES} FROM ${OF_TAGS}));
     INSERT OR IGNORE INTO tag_leaf (is_module, path, value, id) ${LEAVES} FROM ${OF_TAGS};
   END;

   CREATE TRIGGER query_delete AFTER DELETE ON entry
   BEGIN
     DELETE FROM connection WHERE is_module = (old.module_id <> '') AND id = old.id;
     DELETE FROM tag_leaf WHERE id = old.id;
   END;`
