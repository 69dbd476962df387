import type { DeviceRef } from '@twinward/protocol'
import sdk, { type Client, type ModuleClient, type Twin } from 'azure-iot-device'
import { Amqp } from 'azure-iot-device-amqp'
import type { AmqpTestHub } from '../amqp-hub.ts'

/** Microsoft's client, unmodified, which closes at the end of its scope. */
export interface SdkClient extends AsyncDisposable {
  readonly client: Client | ModuleClient
  twin(): Promise<Twin>
}

/** Connects with the identity's own key; the identity is created when there is none. */
export async function connectSdk(hub: AmqpTestHub, ref: DeviceRef): Promise<SdkClient> {
  const connectionString = await hub.connectionString(ref)
  return connectWith(hub, connectionString.replace('localhost', `localhost:${hub.port}`))
}

export async function connectWith(
  hub: Pick<AmqpTestHub, 'ca'>,
  connectionString: string,
): Promise<SdkClient> {
  const client = connectionString.includes('ModuleId=')
    ? sdk.ModuleClient.fromConnectionString(connectionString, Amqp)
    : sdk.Client.fromConnectionString(connectionString, Amqp)
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
