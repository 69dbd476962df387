import type { Duplex } from 'node:stream'
import { AmqpGateway } from '../src/gateways/amqp/server.ts'
import {
  AMQP_FRAME,
  encodeFrame,
  FrameReader,
  PLAIN_HEADER,
  SASL_FRAME,
  SASL_HEADER,
} from '../src/gateways/amqp/wire/frames.ts'
import {
  CODE,
  composite,
  compositeOf,
  decodePerformative,
  encodePerformative,
  type Fields,
  type Performative,
} from '../src/gateways/amqp/wire/performatives.ts'
import { type AmqpValue, symbol, uint } from '../src/gateways/amqp/wire/values.ts'
import { TestClock } from './clock.ts'
import { duplexPair } from './duplex-pair.ts'
import { makeHub, type TestHub, type TestHubOptions, until } from './hub.ts'

export interface AmqpBench extends AsyncDisposable {
  readonly hub: TestHub
  readonly clock: TestClock
  readonly gateway: AmqpGateway
  connect(): RawPeer
}

/** A gateway without a network, on a clock that its owner moves. */
export function amqpBench(options: TestHubOptions = {}): AmqpBench {
  const clock = new TestClock()
  const hub = makeHub({ clock, ...options })
  const gateway = new AmqpGateway(hub)
  return {
    ...{ hub, clock, gateway },
    connect() {
      const [ours, theirs] = duplexPair()
      gateway.accept(theirs, { address: 'test', certificate: () => undefined })
      return new RawPeer(ours)
    },
    [Symbol.asyncDispose]: () => gateway.close(),
  }
}

/** Speaks frames, right or wrong, and keeps what comes back. */
export class RawPeer {
  readonly stream: Duplex
  readonly received: (Performative & { readonly channel: number })[] = []
  /** The eight bytes of each protocol header that came. */
  readonly headers: Buffer[] = []
  /** Empty frames. */
  signsOfLife = 0
  isClosed = false
  readonly #frames = new FrameReader()

  constructor(stream: Duplex) {
    this.stream = stream
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
    stream.on('error', () => {})
    const closed = () => {
      this.isClosed = true
    }
    stream.on('end', closed)
    stream.on('close', closed)
  }

  header(header = PLAIN_HEADER): this {
    this.stream.write(header)
    return this
  }

  /** A frame with a performative on a channel. */
  send(code: number, fields: readonly (AmqpValue | undefined)[], channel = 0): this {
    return this.raw(encodeFrame(AMQP_FRAME, channel, encodePerformative(code, fields)))
  }

  sasl(code: number, fields: readonly (AmqpValue | undefined)[]): this {
    return this.raw(encodeFrame(SASL_FRAME, 0, encodePerformative(code, fields)))
  }

  transfer(fields: readonly (AmqpValue | undefined)[], payload: Buffer, channel = 0): this {
    const body = encodePerformative(CODE.transfer, fields)
    return this.raw(encodeFrame(AMQP_FRAME, channel, body, payload))
  }

  raw(bytes: Buffer): this {
    if (!this.stream.destroyed && this.stream.writable) this.stream.write(bytes)
    return this
  }

  /** Header, open and begin in one go, as rhea does it. */
  open(maxFrameBytes = 65_536, idleTimeoutMs?: number): this {
    const idle = idleTimeoutMs === undefined ? undefined : uint(idleTimeoutMs)
    this.header().send(CODE.open, ['peer', null, uint(maxFrameBytes), null, idle])
    return this.begin(0)
  }

  /** As `open`, after SASL PLAIN; what the server answers is not waited for. */
  plain(user: string, password: string): this {
    const response = Buffer.from(`\0${user}\0${password}`)
    this.header(SASL_HEADER).sasl(CODE.saslInit, [symbol('PLAIN'), response])
    return this.open()
  }

  begin(channel: number, window = 2048): this {
    return this.send(CODE.begin, [null, uint(0), uint(window), uint(window)], channel)
  }

  attach(handle: number, address: string, isReceiver = false, channel = 0): this {
    const source = composite(CODE.source, [isReceiver ? address : null])
    const target = composite(CODE.target, [isReceiver ? null : address])
    const fields = [`link-${handle}`, uint(handle), isReceiver, null, null, source, target]
    return this.send(CODE.attach, [...fields, null, null, isReceiver ? null : uint(0)], channel)
  }

  /** The fields of the next performative of a kind, from the `nth` on that came. */
  async got(code: number, nth = 0): Promise<Fields> {
    let found: Performative | undefined
    await until(
      () => {
        found = this.received.filter((one) => one.code === code)[nth]
        return found !== undefined
      },
      `performative 0x${code.toString(16)}`,
    )
    if (!found) throw new Error('unreachable')
    return found.fields
  }

  async closed(): Promise<void> {
    await until(() => this.isClosed, 'the end of the connection')
  }

  /** The condition that came with the nth close, end, detach or rejection. */
  async condition(code: number, nth = 0): Promise<string> {
    const fields = await this.got(code, nth)
    const error = compositeOf(fields.at(code === CODE.detach ? 2 : 0))
    return String(error?.fields.at(0))
  }

  #take(chunk: Buffer): void {
    let rest = chunk
    while (rest.subarray(0, 4).toString('latin1') === 'AMQP' && this.#frames.isEmpty) {
      this.headers.push(rest.subarray(0, 8))
      rest = rest.subarray(8)
    }
    this.#frames.push(rest)
    for (let frame = this.#frames.next(1 << 20); frame; frame = this.#frames.next(1 << 20)) {
      if (frame.body.length === 0) this.signsOfLife++
      else this.received.push({ ...decodePerformative(frame.body), channel: frame.channel })
    }
  }
}
