/** Sigma rules that operators loaded. */
export const createSigma = `CREATE TABLE sigma_rule (
    id       TEXT PRIMARY KEY NOT NULL,
    document TEXT NOT NULL
  ) STRICT`
