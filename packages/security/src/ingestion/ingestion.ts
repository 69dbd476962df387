import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { TwinPlatform } from '../platform.ts'
import { Admission } from './admission.ts'
import { type EventSchemaStore, EventSchemas } from './event-schemas.ts'
import { REMEMBERED_MS } from './event-window.ts'
import type { IngestionStore, IntakeState } from './ingestion-store.ts'
import { countMessage, type IntakeLimits, newIntakeState } from './quota.ts'

/** How often fingerprints are checked for their age. */
const EXPIRY_INTERVAL_MS = 3_600_000

/** What a device may send unless the operator says otherwise: about four busy legacy agents. */
export const DEFAULT_INTAKE_LIMITS: IntakeLimits = {
  dailyBytes: 50 * 1024 * 1024,
  hourlyRows: 200_000,
}

export interface IngestionPorts {
  readonly ingestion: IngestionStore
  readonly eventSchemas: EventSchemaStore
  readonly platform: TwinPlatform
  readonly clock: Clock
  readonly log: Log
}

/** What came in from devices, how much of it counts, and which custom events are known. */
export class Ingestion {
  readonly #ports: IngestionPorts
  readonly limits: IntakeLimits
  readonly admission: Admission
  readonly schemas: EventSchemas
  #stop = () => {}

  constructor(ports: IngestionPorts, limits: IntakeLimits) {
    this.#ports = ports
    this.limits = limits
    this.admission = new Admission(ports.ingestion, limits)
    this.schemas = new EventSchemas(ports.eventSchemas, ports.clock)
  }

  async start(): Promise<void> {
    await this.schemas.start()
    const { ingestion, clock, log } = this.#ports
    this.#stop = clock.every(EXPIRY_INTERVAL_MS, () => {
      ingestion.expireFingerprints(clock.now() - REMEMBERED_MS).catch((error) => {
        log.error({ err: error }, 'old fingerprints of events could not be removed')
      })
    })
  }

  close(): void {
    this.#stop()
  }

  /** What came from a device. @throws {HubError} `DeviceNotFound` */
  async device(deviceId: string): Promise<IntakeState> {
    const [state] = await this.#ports.ingestion.findStates([deviceId])
    if (state !== undefined) return state
    const tags = await this.#ports.platform.deviceTags(deviceId)
    if (tags === undefined) throw new HubError('DeviceNotFound', deviceId)
    // Nothing came today either.
    return countMessage(newIntakeState(deviceId), 0, this.#ports.clock.now())
  }
}
