/** Rollouts of configurations in waves; `rollout` is a JSON text. */
export const createRollouts = `CREATE TABLE rollout (
     id      TEXT PRIMARY KEY,
     rollout TEXT NOT NULL
   ) STRICT, WITHOUT ROWID`
