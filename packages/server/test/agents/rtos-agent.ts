import { randomBytes } from 'node:crypto'
import { isIPv6 } from 'node:net'
import {
  type FlatField,
  type FlatTable,
  table,
  tables,
  text,
  u8,
  u16,
  u32,
  writeFlatBuffer,
} from './flat-buffer.ts'
import type { AgentTransport, OutgoingMessage } from './transport.ts'

/** Component version 3.5.4. */
const VERSION = 3 * 2 ** 24 + 5 * 2 ** 16 + 4
const PAYLOAD = { network: 1, system: 2, heartbeat: 4, process: 6 }
const TCP = 0
const UDP = 1

export interface Flow {
  readonly local: string
  readonly remote: string
  readonly localPort: number
  readonly remotePort: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly isUdp?: boolean
}

/** The property bag of the RTOS module: both marks, as its C code writes them. */
export function rtosBag(schema: '2.0' | '2.3', source: 0 | 1 = 0): string {
  return `%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1&mti=${schema}-1-${source}-0`
}

/** The security module of Azure RTOS: no configuration, a few collectors, FlatBuffers. */
export class RtosAgent {
  readonly transport: AgentTransport
  readonly #moduleId: string
  #interval = 60

  constructor(transport: AgentTransport, moduleId: string) {
    this.transport = transport
    this.#moduleId = moduleId
  }

  async send(...events: readonly FlatTable[]): Promise<void> {
    await this.transport.send(this.message(...events))
  }

  message(...events: readonly FlatTable[]): OutgoingMessage {
    const root = { 0: text(this.#moduleId), 1: u32(VERSION), 3: tables(events) }
    return { body: writeFlatBuffer(root) }
  }

  heartbeat(): FlatTable {
    return this.#event(PAYLOAD.heartbeat, {})
  }

  systemInformation(os: string, kernel: string, hardware: string): FlatTable {
    return this.#event(PAYLOAD.system, { 0: text(os), 1: text(kernel), 2: text(hardware) })
  }

  networkActivity(flows: readonly Flow[]): FlatTable {
    const v4 = flows.filter(({ local }) => !isIPv6(local))
    const v6 = flows.filter(({ local }) => isIPv6(local))
    return this.#event(PAYLOAD.network, {
      ...(v4.length > 0 && { 0: tables(v4.map(activity)) }),
      ...(v6.length > 0 && { 1: tables(v6.map(activity)) }),
    })
  }

  /** Not collected by the RTOS itself; Linux builds of the same core do. */
  process(executable: string, commandLine: string): FlatTable {
    return this.#event(PAYLOAD.process, {
      ...{ 0: text(executable), 1: u32(4101), 2: u32(4100), 3: u32(1000) },
      ...{ 4: text('ops'), 5: text(commandLine), 6: u8(1), 7: u32(3) },
    })
  }

  #event(type: number, payload: FlatTable): FlatTable {
    return {
      0: { inline: randomBytes(16), align: 1 },
      1: u32(Math.floor(Date.now() / 1000)),
      2: u32(this.#interval),
      3: u8(type),
      4: table(payload),
    }
  }
}

function activity(flow: Flow): FlatTable {
  const addresses = Buffer.concat([octets(flow.local), octets(flow.remote)])
  const protocol = flow.isUdp ? UDP : TCP
  const common: Record<number, FlatField> = {
    0: u16(flow.localPort),
    1: u16(flow.remotePort),
    2: u32(flow.bytesIn),
    3: u32(flow.bytesOut),
    // What has its default is not written (F2).
    ...(protocol !== TCP && { 4: u8(protocol) }),
  }
  return { 0: { inline: addresses, align: 4 }, 1: table(common) }
}

/** In reading order (F1); IPv6 written out in full. */
function octets(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number))
  return Buffer.from(
    address.split(':').flatMap((group) => {
      const value = Number.parseInt(group, 16)
      return [value >> 8, value & 255]
    }),
  )
}
