export type * from './database.ts'
export * from './errors.ts'
export { openSqlite } from './open.ts'
export type { QueryFunctions } from './query-connection.ts'
