/** Security groups, as operators wrote them. */
export const createGroups = `CREATE TABLE security_group (
    name     TEXT PRIMARY KEY NOT NULL,
    document TEXT NOT NULL
  ) STRICT`
