// A device receives over HTTPS with Microsoft's SDK: completes `a`, rejects `b`, abandons `c` once.

import iotDevice from 'azure-iot-device'
import iotHttp from 'azure-iot-device-http'

const [connectionString = ''] = process.argv.slice(2)
const client = iotDevice.Client.fromConnectionString(connectionString, iotHttp.Http)
const seen: object[] = []
const done = new Promise<void>((resolve, reject) => {
  client.on('error', reject)
  client.on('message', (message) => {
    const { messageId, correlationId, contentType, contentEncoding, ack } = message
    const isAgain = seen.some((one) => (one as { messageId: string }).messageId === messageId)
    seen.push({
      ...{ messageId, correlationId, contentType, contentEncoding, ack },
      to: message.to,
      expiry: message.expiryTimeUtc,
      body: message.getData().toString(),
      properties: message.properties.propertyList,
    })
    const settled = (error?: Error | null) => {
      if (error) reject(error)
      else if (isAgain) resolve()
    }
    if (messageId === 'a') client.complete(message, settled)
    else if (messageId === 'b') client.reject(message, settled)
    else if (isAgain) client.complete(message, settled)
    else client.abandon(message, settled)
  })
})
await client.setOptions({ http: { receivePolicy: { interval: 0.1 } } } as object)
await client.open()
await done
process.stdout.write(JSON.stringify(seen))
process.exit(0)
