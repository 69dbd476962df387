import type { Log } from '@twinward/hub'
import { pino } from 'pino'

/** The process's log: JSON lines on standard error, because results own standard output. */
export function createLog(level: string): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2))
}
