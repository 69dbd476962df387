import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import device from 'azure-iot-device'
import mqttTransport from 'azure-iot-device-mqtt'
import { type TestServer, until } from '../server.ts'
import { createDevice } from './lookup.ts'

const { Message, ModuleClient } = device
const { Mqtt } = mqttTransport
const MODULE = 'azureiotsecurity'

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
export type View = any

/** A security agent as far as the hub sees it: Microsoft's module client over MQTT. */
export async function connect(server: TestServer, deviceId: string, moduleId = MODULE) {
  const path = `/twins/${deviceId}/modules/${moduleId}`
  await createDevice(server, deviceId, moduleId)
  const text = await server.connectionString(deviceId, moduleId)
  const client = ModuleClient.fromConnectionString(text, Mqtt)
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  await client.open()
  const told: View[] = []
  const twin = await client.getTwin()
  twin.on('properties.desired', (patch: View) => told.push(structuredClone(patch)))
  // The SDK subscribes some time after that: a write that it tells says so.
  let probe = 0
  await until(async () => {
    const desired = { probe: ++probe }
    await server.call('PATCH', path, { body: { properties: { desired } } })
    return told.some((patch) => patch.probe === probe)
  })
  return {
    told,
    /** The twin once it is so. */
    async twin(isSo: (twin: View) => unknown = () => true): Promise<View> {
      let last: View
      return until(async () => {
        last = (await server.call('GET', path)).body
        return isSo(last) ? last : undefined
      }).catch((error) => {
        throw new Error(`not so: ${isSo}, but ${JSON.stringify(last)}`, { cause: error })
      })
    },
    /** What it was told up to this version and not asked for yet. */
    async hears(version: number): Promise<readonly View[]> {
      await until(() => told.some(({ $version }) => $version >= version)).catch((error) => {
        throw new Error(`no version ${version}: ${JSON.stringify(told)}`, { cause: error })
      })
      return told.splice(0)
    },
    async history(isSo: (entry: View) => boolean): Promise<void> {
      const route = `/api/devices/${deviceId}/security/config/history`
      await until(async () => (await server.call('GET', route)).body.items.some(isSo))
    },
    /** A command on the device, as far as its agent tells. */
    async run(CommandLine: string): Promise<void> {
      const now = new Date().toISOString()
      const process = { Executable: '/bin/sh', ProcessId: 1, ParentProcessId: 1, UserId: '0' }
      const event = {
        ...{
          Id: randomUUID(),
          Name: 'ProcessCreate',
          Category: 'Triggered',
          EventType: 'Security',
        },
        ...{ PayloadSchemaVersion: '1.0', TimestampLocal: now, TimestampUTC: now, IsEmpty: false },
        Payload: [{ ...process, CommandLine }],
      }
      const about = { AgentVersion: '0.0.6', AgentId: randomUUID(), MessageSchemaVersion: '1.0' }
      const message = new Message(JSON.stringify({ ...about, Events: [event] }))
      message.setAsSecurityMessage()
      await client.sendEvent(message)
    },
    async [Symbol.asyncDispose]() {
      await client.close()
    },
  }
}
