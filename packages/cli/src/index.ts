export type { Surroundings } from './context.ts'
export { runCommandLine } from './run.ts'
