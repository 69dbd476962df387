/** Groups of event readers; names are ASCII, so that NOCASE is all the case there is. */
export const createConsumerGroups = `CREATE TABLE consumer_group (
     name       TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
     created_ms INTEGER NOT NULL
   ) STRICT`
