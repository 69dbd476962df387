import { randomUUID } from 'node:crypto'
import type { DeviceRef } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { EventLog, MessageSource, StampedMessage } from '../messages/event-log.ts'
import type { Entry } from '../registry/registry.ts'
import { formatTime } from '../twins/view.ts'
import type { ChangeEvents, WrittenSections } from './change-events.ts'
import { lifecycleBody, replaceBody, updateBody } from './event-bodies.ts'
import type { Router } from './router.ts'

export interface HubEventPorts {
  readonly eventLog: EventLog
  readonly bus: EventBus
  readonly clock: Pick<Clock, 'now'>
}

/** What the hub has to say of a device or module. */
export interface HubEvent {
  readonly ref: DeviceRef
  readonly source: Exclude<MessageSource, 'Telemetry'>
  readonly opType: string
  readonly body: string
  /** Of the device or module; with it conditions and enrichments can speak of the twin. */
  readonly entry?: Pick<Entry, 'identity' | 'twin'>
}

const SCHEMAS: Readonly<Record<HubEvent['source'], string>> = {
  twinChangeEvents: 'twinChangeNotification',
  deviceLifecycleEvents: 'deviceLifecycleNotification',
  deviceConnectionStateEvents: 'deviceConnectionStateNotification',
}

/** The hub's own events (10 §5), in the partition of their device's telemetry. */
export class HubEvents implements ChangeEvents {
  readonly #ports: HubEventPorts
  readonly #router: Router

  constructor(ports: HubEventPorts, router: Router) {
    this.#ports = ports
    this.#router = router
  }

  get wantsLifecycle(): boolean {
    return this.#router.wants('deviceLifecycleEvents')
  }

  twinUpdated(after: Entry, written: WrittenSections): Promise<void> | undefined {
    if (!this.#router.wants('twinChangeEvents')) return undefined
    const body = updateBody(after, written)
    return this.#twinChanged(after, 'updateTwin', body)
  }

  twinReplaced(after: Entry): Promise<void> | undefined {
    if (!this.#router.wants('twinChangeEvents')) return undefined
    return this.#twinChanged(after, 'replaceTwin', replaceBody(after))
  }

  created(entries: readonly Entry[]): Promise<void> | undefined {
    return this.#lifecycle(entries, 'create')
  }

  removed(entries: readonly Entry[]): Promise<void> | undefined {
    return this.#lifecycle(entries, 'delete')
  }

  /** Stores the events that a route wants, all or none. */
  async tell(events: readonly HubEvent[]): Promise<void> {
    const appends = events.flatMap((event) => {
      const append = this.#router.route(this.#toMessage(event), event.entry?.twin)
      return append ? [append] : []
    })
    if (appends.length === 0) return
    await this.#ports.eventLog.appendAll(appends)
    this.#ports.bus.publish({ kind: 'messages-stored', stream: 'telemetry' })
  }

  #twinChanged(entry: Entry, opType: string, body: string): Promise<void> {
    return this.tell([{ ref: entry.ref, source: 'twinChangeEvents', opType, body, entry }])
  }

  #lifecycle(entries: readonly Entry[], verb: 'create' | 'delete'): Promise<void> | undefined {
    if (!this.wantsLifecycle) return undefined
    return this.tell(
      entries.map((entry) => ({
        ref: entry.ref,
        source: 'deviceLifecycleEvents',
        opType: `${verb}${entry.ref.moduleId === undefined ? 'Device' : 'Module'}Identity`,
        body: lifecycleBody(entry),
        entry,
      })),
    )
  }

  #toMessage({ ref, source, opType, body, entry }: HubEvent): StampedMessage {
    const { hubName } = this.#router
    const nowMs = this.#ports.clock.now()
    return {
      ref,
      system: {
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        correlationId: randomUUID(),
        userId: hubName,
      },
      application: {
        hubName,
        ...ref,
        operationTimestamp: formatTime(nowMs),
        'iothub-message-schema': SCHEMAS[source],
        opType,
      },
      body: Buffer.from(body),
      source,
      ...modelOf(entry),
      enqueuedTimeMs: nowMs,
      generationId: entry?.identity.generationId ?? '',
      authMethod: '',
    }
  }
}

function modelOf(entry: { readonly identity: { readonly modelId: string } } | undefined) {
  const modelId = entry?.identity.modelId
  return modelId ? { modelId } : {}
}
