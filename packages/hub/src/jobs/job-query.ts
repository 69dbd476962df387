import type { DeviceRef } from '@twinward/protocol'
import { parseQuery } from '../twins/query/parse-query.ts'

/**
 * The query that finds a job's targets. Beside a condition on devices and `*`, as IoT Hub has them,
 * `FROM devices.modules WHERE …` takes modules.
 *
 * @throws {HubError} `ArgumentInvalid` for a condition that cannot be read
 */
export function targetQuery(queryCondition: string): string {
  const condition = queryCondition.trim()
  const from = /^FROM\s+/i.test(condition)
  const isAll = condition === '*'
  const rest = from ? condition : `FROM devices${isAll ? '' : ` WHERE ${condition}`}`
  const { source } = parseQuery(`SELECT * ${rest}`)
  const names = source === 'devices.modules' ? 'deviceId, moduleId' : 'deviceId'
  return `SELECT ${names} ${rest}`
}

/** A row of `targetQuery`. */
export function readTarget(row: string): DeviceRef {
  return JSON.parse(row) as DeviceRef
}
