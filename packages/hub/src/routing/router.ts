import type { Twin } from '@twinward/protocol'
import type { LogAppend, MessageSource, StampedMessage } from '../messages/event-log.ts'
import { partitionOf } from '../messages/partition.ts'
import type { HostNames } from '../registry/host-names.ts'
import { DEFAULT_ROUTING } from './routing-document.ts'
import { compileRouting, type RoutingTable, routeMessage } from './routing-table.ts'

/** Messages that were acknowledged and not stored, since the start. */
export interface RoutingCounts {
  /** No route took them, and the fallback is off. */
  readonly unrouted: number
  /** Their enrichments made them larger than a message may be. */
  readonly tooLarge: number
}

/** Decides for each message what is stored, as the routing document of the moment says. */
export class Router {
  readonly #hostNames: Pick<HostNames, 'hubName'>
  #table = compileRouting(DEFAULT_ROUTING)
  #unrouted = 0
  #tooLarge = 0

  constructor(hostNames: Pick<HostNames, 'hubName'>) {
    this.#hostNames = hostNames
  }

  get hubName(): string {
    return this.#hostNames.hubName
  }

  get counts(): RoutingCounts {
    return { unrouted: this.#unrouted, tooLarge: this.#tooLarge }
  }

  /** Whether all telemetry is stored as it is. */
  get isPlain(): boolean {
    return this.#table.isPlain
  }

  use(table: RoutingTable): void {
    this.#table = table
  }

  /** Whether there is a route for a source other than telemetry. */
  wants(source: MessageSource): boolean {
    return this.#table.routes.has(source)
  }

  needsTwin(source: MessageSource): boolean {
    return this.#table.needsTwin.has(source)
  }

  /**
   * What to append for a message, if anything; what telemetry is lost is counted.
   *
   * @param twin  of the sender, when `needsTwin` says so; a sender that has gone has none
   */
  route(message: StampedMessage, twin: Twin | undefined): LogAppend | undefined {
    const routed = routeMessage(this.#table, message, { twin, hubName: this.hubName })
    if (routed.outcome === 'stored') {
      const partition = partitionOf(message.ref.deviceId)
      return { stream: 'telemetry', partition, message: routed.message }
    }
    if (routed.outcome === 'too-large') this.#tooLarge++
    else if (message.source === undefined) this.#unrouted++
    return undefined
  }
}
