export type * from './database.ts'
export * from './errors.ts'
export { openSqlite } from './open.ts'
