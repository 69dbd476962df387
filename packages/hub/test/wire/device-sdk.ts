import type { DeviceRef } from '@twinward/protocol'
import sdk, { type Client, type ModuleClient, type Twin } from 'azure-iot-device'
import { Amqp } from 'azure-iot-device-amqp'
import { Mqtt } from 'azure-iot-device-mqtt'
import { startAmqpHub } from '../amqp-hub.ts'
import { startMqttHub, type TestHub } from '../hub.ts'

/** Microsoft's client, unmodified, which closes at the end of its scope. */
export interface SdkClient extends AsyncDisposable {
  readonly client: Client | ModuleClient
  twin(): Promise<Twin>
}

/** A hub that one transport of the SDK reaches. */
export interface SdkHub extends TestHub, AsyncDisposable {
  readonly port: number
  readonly ca: string
  connectionString(ref: DeviceRef): Promise<string>
}

/** What differs between the protocols. */
export interface SdkWire {
  readonly name: 'mqtt' | 'amqp'
  start(): Promise<SdkHub>
  /** Connects with the identity's own key; the identity is created when there is none. */
  connect(hub: SdkHub, ref: DeviceRef): Promise<SdkClient>
  connectWith(hub: Pick<SdkHub, 'ca'>, connectionString: string): Promise<SdkClient>
}

export const mqttSdk: SdkWire = {
  name: 'mqtt',
  start: () => startMqttHub(),
  async connect(hub, ref) {
    return connectOver(Mqtt, hub, await hub.connectionString(ref))
  },
  connectWith: (hub, text) => connectOver(Mqtt, hub, text),
}

export const amqpSdk: SdkWire = {
  name: 'amqp',
  start: () => startAmqpHub(),
  async connect(hub, ref) {
    const text = await hub.connectionString(ref)
    return connectOver(Amqp, hub, text.replace('localhost', `localhost:${hub.port}`))
  },
  connectWith: (hub, text) => connectOver(Amqp, hub, text),
}

async function connectOver(
  transport: typeof Mqtt | typeof Amqp,
  hub: Pick<SdkHub, 'ca'>,
  connectionString: string,
): Promise<SdkClient> {
  const client = connectionString.includes('ModuleId=')
    ? sdk.ModuleClient.fromConnectionString(connectionString, transport)
    : sdk.Client.fromConnectionString(connectionString, transport)
  await client.setOptions({ ca: hub.ca })
  // A refusal shall be seen, not tried again for minutes.
  client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => 0 })
  client.on('error', () => {})
  try {
    await client.open()
  } catch (error) {
    await close(client)
    throw error
  }
  return {
    client,
    twin: () => client.getTwin(),
    [Symbol.asyncDispose]: () => close(client),
  }
}

async function close(client: Client | ModuleClient): Promise<void> {
  // The SDK rejects when the hub was first; then there is nothing left to close.
  await client.close().catch(() => {})
}
