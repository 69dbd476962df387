import { createInterface } from 'node:readline'
import { type Connection, closeAll, connectAll, describeTls } from './connection.ts'
import { encodePublish, PUBLISH } from './packets.ts'
import type { DesiredWavePlan, WaveOrder, WaveReport } from './plan.ts'

const DESIRED_FILTER = '$iothub/twin/PATCH/properties/desired/#'
const ANSWERS_FILTER = '$iothub/twin/res/#'
const DEADLINE_MS = 120_000

// Load program: devices that wait for a desired property. `wave` counts until all have been told,
// `get` has each read its twin; both say how many bytes came over each TLS connection.

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const first = await lines.next()
const { target, devices, sourceAddresses } = JSON.parse(first.value as string) as DesiredWavePlan
const connections = await connectAll(
  devices.map((device, index) => {
    const localAddress = sourceAddresses[index % sourceAddresses.length]
    const filters = [DESIRED_FILTER, ANSWERS_FILTER]
    return { target, device, filters, ...(localAddress !== undefined && { localAddress }) }
  }),
)
const [one] = connections
if (!one) throw new Error('The plan names no device.')
say({ event: 'connected', tls: describeTls(one.socket) })
for await (const line of { [Symbol.asyncIterator]: () => lines }) {
  say(await obey(JSON.parse(line) as WaveOrder))
}
closeAll(connections)

async function obey({ kind }: WaveOrder): Promise<WaveReport> {
  const before = connections.map(({ socket }) => socket.bytesRead)
  const times = untilAllTold()
  say({ event: 'listening' })
  if (kind === 'get') {
    const get = encodePublish({ topic: '$iothub/twin/GET/?$rid=1', body: '' })
    for (const { socket } of connections) socket.write(get)
  }
  const toldAtMs = (await times).sort((a, b) => a - b)
  const at = (share: number) => toldAtMs[Math.ceil(toldAtMs.length * share) - 1] ?? 0
  const bytes = connections.reduce(
    (sum, { socket }, index) => sum + socket.bytesRead - (before[index] ?? 0),
    0,
  )
  return {
    event: 'told',
    halfAtMs: at(0.5),
    mostAtMs: at(0.99),
    allAtMs: at(1),
    bytesEach: bytes / connections.length,
  }
}

/** When each connection had its whole PUBLISH, in ms since the epoch. */
function untilAllTold(): Promise<number[]> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('Not all were told in time.')), DEADLINE_MS).unref()
  })
  return Promise.race([Promise.all(connections.map(wholePublish)), late])
}

function wholePublish(connection: Connection): Promise<number> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0)
    connection.receive = (bytes, length) => {
      received = Buffer.concat([received, bytes.subarray(0, length)])
      const size = packetSize(received)
      if ((received[0] ?? 0) >> 4 !== PUBLISH || received.length < size) return
      connection.receive = () => {}
      resolve(performance.timeOrigin + performance.now())
    }
  })
}

// MQTT-2.2.3: seven bits a byte, the lowest first.
function packetSize(bytes: Buffer): number {
  let [size, at, shift] = [0, 1, 0]
  for (;;) {
    const byte = bytes[at++]
    if (byte === undefined) return Number.POSITIVE_INFINITY
    size |= (byte & 127) << shift
    if (byte < 128) return at + size
    shift += 7
  }
}

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}
