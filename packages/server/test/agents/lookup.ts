import type { JsonObject } from '@twinward/protocol'
import { type TestServer, until } from '../server.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
type View = any

/** The logical security module twin of a device, once `isSo`. */
export async function securityOf(
  { call }: TestServer,
  deviceId: string,
  isSo: (view: View) => boolean = () => true,
): Promise<View> {
  let last: View
  try {
    return await until(async () => {
      last = (await call('GET', `/api/devices/${deviceId}/security`)).body
      return isSo(last) && last
    })
  } catch (error) {
    throw new Error(`not so: ${isSo}, but ${JSON.stringify(last)}`, { cause: error })
  }
}

/** Raw events of a device, once there are so many. */
export async function eventsOf(
  { call }: TestServer,
  deviceId: string,
  count: number,
): Promise<readonly View[]> {
  let last: readonly View[] = []
  try {
    return await until(async () => {
      const { body } = await call('GET', `/api/security/events?device=${deviceId}&limit=1000`)
      last = body.items
      return last.length >= count && last
    })
  } catch (error) {
    const { body } = await call('GET', `/api/security/rejected?device=${deviceId}`)
    const seen = `${JSON.stringify(last)}, refused ${JSON.stringify(body.items)}`
    throw new Error(`${count} events of ${deviceId}, but ${seen}`, { cause: error })
  }
}

export async function refusedOf({ call }: TestServer, deviceId: string): Promise<readonly View[]> {
  return (await call('GET', `/api/security/rejected?device=${deviceId}`)).body.items
}

/** The alerts of a device, once there are so many. */
export function alertsOf(
  { call }: TestServer,
  deviceId: string,
  count: number,
): Promise<readonly View[]> {
  return until(async () => {
    const { body } = await call('GET', `/api/security/alerts?device=${deviceId}`)
    return body.items.length >= count && body.items
  })
}

/** A device and a module, made where they are missing, and their keys. */
export async function createDevice(
  { call }: TestServer,
  deviceId: string,
  moduleId: string,
): Promise<{ readonly deviceKey: string; readonly moduleKey: string }> {
  const ensure = async (path: string, body: object) => {
    const found = await call('GET', path)
    return (found.status === 200 ? found : await call('PUT', path, { body })).body
  }
  const device = await ensure(`/devices/${deviceId}`, { deviceId })
  const module = await ensure(`/devices/${deviceId}/modules/${moduleId}`, { deviceId, moduleId })
  return {
    deviceKey: device.authentication.symmetricKey.primaryKey,
    moduleKey: module.authentication.symmetricKey.primaryKey,
  }
}

/** Changes desired properties as an operator does. */
export async function patchDesired(
  { call }: TestServer,
  deviceId: string,
  moduleId: string,
  desired: JsonObject,
): Promise<void> {
  const path = `/twins/${deviceId}/modules/${moduleId}`
  const { status, body } = await call('PATCH', path, { body: { properties: { desired } } })
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`)
}
