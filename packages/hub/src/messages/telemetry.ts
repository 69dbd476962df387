import {
  type DeviceMessage,
  HubError,
  isSecurityMessage,
  MAX_MESSAGE_BYTES,
} from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { AnnouncedModels } from '../registry/announced-models.ts'
import type { Credential } from '../registry/authenticator.ts'
import type { Registry } from '../registry/registry.ts'
import type { ConnectionEvents } from '../routing/connection-events.ts'
import type { Router } from '../routing/router.ts'
import type { EventLog, LogAppend, StampedMessage } from './event-log.ts'
import { messageBytes } from './message-bytes.ts'
import { partitionOf } from './partition.ts'
import { Turns } from './turns.ts'

/** Security messages that wait for the security service at most, unless the hub is set otherwise. */
export const DEFAULT_SECURITY_BACKLOG_BYTES = 1024 * 1024 * 1024
/** Messages of one device that wait for its twin; gateways let fewer through. */
const MAX_WAITING_MESSAGES = 10_000

export interface TelemetryPorts {
  readonly eventLog: EventLog
  readonly registry: Pick<Registry, 'find'>
  readonly bus: EventBus
  readonly clock: Pick<Clock, 'now'>
  readonly models: Pick<AnnouncedModels, 'find'>
}

export interface TelemetryOptions {
  readonly maxSecurityBacklogBytes?: number
}

/** Device-to-cloud messages: stamps them and puts them into the log, as the routing says. */
export class Telemetry {
  readonly #ports: TelemetryPorts
  readonly #router: Router
  readonly #connections: ConnectionEvents
  readonly #maxSecurityBacklogBytes: number
  /** Messages of a device that wait for its twin: those that come after them must not overtake. */
  readonly #turns = new Turns(MAX_WAITING_MESSAGES)
  #refusedSecurityMessages = 0

  constructor(
    ports: TelemetryPorts,
    { router, connections }: { readonly router: Router; readonly connections: ConnectionEvents },
    { maxSecurityBacklogBytes = DEFAULT_SECURITY_BACKLOG_BYTES }: TelemetryOptions = {},
  ) {
    this.#ports = ports
    this.#router = router
    this.#connections = connections
    this.#maxSecurityBacklogBytes = maxSecurityBacklogBytes
  }

  /** Security messages that were refused since the start because too many wait. */
  get refusedSecurityMessages(): number {
    return this.#refusedSecurityMessages
  }

  /** Whether no security message is taken until the security service has caught up. */
  get isSecurityBacklogFull(): boolean {
    return this.#ports.eventLog.size('security') >= this.#maxSecurityBacklogBytes
  }

  /**
   * Resolves when the message is durable, or when no route wants it. Security messages go to a stream
   * of their own, whatever the routes say.
   *
   * @throws {HubError} `MessageTooLarge` (body and properties over 256 KiB); `ServiceUnavailable` for
   *   a security message while too many of them wait
   */
  async accept(message: DeviceMessage, credential: Credential): Promise<void> {
    if (messageBytes(message) > MAX_MESSAGE_BYTES) {
      throw new HubError('MessageTooLarge', `A message may take ${MAX_MESSAGE_BYTES} bytes.`)
    }
    const stamped = this.#stamp(message, credential)
    if (!this.#isPlain(stamped)) {
      await this.#store([stamped])
      return
    }
    const { eventLog, bus } = this.#ports
    await eventLog.append('telemetry', partitionOf(message.ref.deviceId), stamped)
    bus.publish({ kind: 'messages-stored', stream: 'telemetry' })
  }

  /**
   * As `accept` for several messages of one sender: all are stored or none.
   *
   * @throws {HubError} as `accept`; `MessageTooLarge` when all together are over 256 KiB
   */
  async acceptBatch(messages: readonly DeviceMessage[], credential: Credential): Promise<void> {
    const bytes = messages.reduce((sum, message) => sum + messageBytes(message), 0)
    if (bytes > MAX_MESSAGE_BYTES) {
      throw new HubError('MessageTooLarge', `A batch may take ${MAX_MESSAGE_BYTES} bytes.`)
    }
    await this.#store(messages.map((message) => this.#stamp(message, credential)))
  }

  /** The hot path: telemetry of which nothing has to be decided. */
  #isPlain(message: StampedMessage): boolean {
    return (
      this.#router.isPlain &&
      !this.#router.wants('deviceConnectionStateEvents') &&
      !this.#turns.isBusy(message.ref.deviceId) &&
      !isSecurityMessage(message)
    )
  }

  #stamp(message: DeviceMessage, { authMethod, generationId }: Credential): StampedMessage {
    const { clock, models } = this.#ports
    const modelId = models.find(message.ref)
    const stamped = { ...message, enqueuedTimeMs: clock.now(), authMethod, generationId }
    return modelId === undefined ? stamped : { ...stamped, modelId }
  }

  /** Calls the log in the turn in which it is called, unless the sender's twin has to be read first. */
  #store(messages: readonly StampedMessage[]): Promise<unknown> {
    const [first] = messages
    if (!first) return Promise.resolve()
    if (messages.some(isSecurityMessage)) this.#checkSecurityBacklog()
    const connected = this.#connections.operated(first.ref)
    const stored = this.#storeInOrder(first, messages)
    return connected ? Promise.all([connected, stored]) : stored
  }

  #storeInOrder(first: StampedMessage, messages: readonly StampedMessage[]): Promise<void> {
    const { deviceId } = first.ref
    if (!this.#router.needsTwin('Telemetry') && !this.#turns.isBusy(deviceId)) {
      return this.#append(messages.flatMap((message) => this.#route(message)))
    }
    const appended = this.#turns.run(deviceId, async () => {
      const entry = await this.#ports.registry.find(first.ref)
      const appends = messages.flatMap((message) => this.#route(message, entry?.twin))
      // The next one's turn comes once this one has its place, not when it is durable.
      return { stored: this.#append(appends) }
    })
    return appended.then(({ stored }) => stored)
  }

  #route(message: StampedMessage, twin?: Parameters<Router['route']>[1]): readonly LogAppend[] {
    if (isSecurityMessage(message)) return [{ stream: 'security', partition: 0, message }]
    const append = this.#router.route(message, twin)
    return append ? [append] : []
  }

  async #append(appends: readonly LogAppend[]): Promise<void> {
    const [first] = appends
    if (!first) return
    const { eventLog, bus } = this.#ports
    if (appends.length === 1) await eventLog.append(first.stream, first.partition, first.message)
    else await eventLog.appendAll(appends)
    for (const stream of new Set(appends.map((append) => append.stream))) {
      bus.publish({ kind: 'messages-stored', stream })
    }
  }

  /** Rather than to lose any: devices keep what is refused, and send it again. */
  #checkSecurityBacklog(): void {
    if (!this.isSecurityBacklogFull) return
    this.#refusedSecurityMessages++
    throw new HubError(
      'ServiceUnavailable',
      'Too many security messages wait to be evaluated; send it again later.',
    )
  }
}
