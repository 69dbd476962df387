import type { Connection } from './connection.ts'
import type { Histogram } from './histogram.ts'
import { HttpAnswers } from './http-answers.ts'
import { PUBLISH } from './packets.ts'

/** Values all have nine digits, so that a request is patched in place. */
const FIRST_VALUE = 100_000_000
const END_OF_HEAD = '\r\n\r\n'

export interface DesiredSlotOptions {
  /** The device's MQTT connection, subscribed to desired changes. */
  readonly device: Connection
  /** The service's HTTPS connection, kept alive. */
  readonly call: Connection
  readonly deviceId: string
  readonly host: string
  readonly authorization: string
  readonly tally: { done: number; readonly sending: boolean; readonly latency: Histogram }
}

/**
 * One service call at a time to one device. A change counts when the device was told the new value
 * and the service got its 200; its latency ends when the device was told.
 */
export class DesiredSlot {
  readonly #options: DesiredSlotOptions
  readonly #request: Buffer
  readonly #valueAt: number
  #value = FIRST_VALUE
  #sentAt = 0
  #told = true
  #answered = true
  #fromDevice: Buffer = Buffer.alloc(0)
  readonly #fromService = new HttpAnswers()

  constructor(options: DesiredSlotOptions) {
    this.#options = options
    this.#request = encodeRequest(options)
    this.#valueAt = this.#request.lastIndexOf(String(FIRST_VALUE))
    options.device.receive = this.#hearDevice
    options.call.receive = this.#hearService
  }

  get busy(): boolean {
    return !this.#told || !this.#answered
  }

  send(): void {
    this.#value++
    this.#request.write(String(this.#value), this.#valueAt, 'latin1')
    this.#told = false
    this.#answered = false
    this.#sentAt = performance.now()
    this.#options.call.socket.write(this.#request)
  }

  readonly #hearDevice = (bytes: Uint8Array, length: number): void => {
    this.#fromDevice = Buffer.concat([this.#fromDevice, bytes.subarray(0, length)])
    for (;;) {
      const size = packetSize(this.#fromDevice)
      if (size === undefined || this.#fromDevice.length < size) return
      const packet = this.#fromDevice.subarray(0, size)
      this.#fromDevice = this.#fromDevice.subarray(size)
      const type = (packet[0] ?? 0) >> 4
      if (type === PUBLISH && packet.includes(String(this.#value))) this.#tell()
    }
  }

  readonly #hearService = (bytes: Uint8Array, length: number): void => {
    if (this.#fromService.take(bytes, length) === 0) return
    this.#answered = true
    this.#next()
  }

  #tell(): void {
    if (this.#told) return
    this.#told = true
    this.#options.tally.latency.record(performance.now() - this.#sentAt)
    this.#next()
  }

  #next(): void {
    if (this.busy) return
    this.#options.tally.done++
    if (this.#options.tally.sending) this.send()
  }
}

function encodeRequest({ deviceId, host, authorization }: DesiredSlotOptions): Buffer {
  const body = JSON.stringify({ properties: { desired: { setpoint: FIRST_VALUE } } })
  const head = [
    `PATCH /twins/${deviceId}?api-version=2021-04-12 HTTP/1.1`,
    `Host: ${host}`,
    `Authorization: ${authorization}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ]
  return Buffer.from(head.join('\r\n') + END_OF_HEAD + body)
}

/** Bytes of the whole packet, or `undefined` while its fixed header is incomplete. */
function packetSize(bytes: Buffer): number | undefined {
  let length = 0
  for (let at = 1, scale = 1; at < bytes.length; at++, scale *= 128) {
    const byte = bytes[at] ?? 0
    length += (byte & 127) * scale
    if (byte < 128) return at + 1 + length
  }
  return undefined
}
