import { randomUUID } from 'node:crypto'
import { HubError, securityModuleIds } from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import type { FindingStore } from '../../data/finding-store.ts'
import type { Alert } from '../../detection/alert.ts'
import { dedupeKey } from '../../detection/alerts.ts'
import { subjectOf } from '../../findings/finding-change.ts'
import type { Findings } from '../../findings/findings.ts'
import type { Log } from '../../log.ts'
import type { PlatformModule, SecurityMessage, TwinPlatform } from '../../platform.ts'
import type { NotificationStore } from '../notification-store.ts'
import type { Notifications } from '../notifications.ts'
import { describeVerdicts } from './describe-verdicts.ts'
import type { DrillJudge, Evaluation } from './drill-judge.ts'
import { drillMessage } from './drill-message.ts'
import { DrillBroken, type DrillReport } from './drill-report.ts'
import { DrillRun } from './drill-run.ts'
import { followDeliveries } from './follow-deliveries.ts'

/** How long the message may take to its evaluation: others may wait before it. */
const EVALUATION_DEADLINE_MS = 15_000
/** A drill whose message never came is remembered so long, lest it come late and raise an alert. */
const MEMORY_MS = 7 * 24 * 3_600_000
/** Drills that are remembered. */
const MAX_REMEMBERED = 100
/** Whoever resolves its alert. */
const AUTHOR = 'fire drill'
/** Open alerts of a device that are looked at to find those of a drill that a crash ended. */
const MAX_OPEN_ALERTS = 1_000

interface Ports {
  readonly platform: TwinPlatform
  readonly findings: FindingStore
  readonly notifications: NotificationStore
  readonly clock: Clock
  readonly log: Log
}

interface Parts {
  readonly judge: DrillJudge
  readonly notifications: Notifications
  readonly findings: Pick<Findings, 'changeAlert'>
  readonly securityModuleId: string
  /** Tells whoever reads the feed. */
  readonly wake: () => void
  /** Evaluates a message that did not come through the platform. */
  readonly inject: (message: Omit<SecurityMessage, 'sequence'>) => Promise<void>
  /** Why messages are not taken at the moment. */
  readonly unhealthy: () => string | undefined
}

/** Fire drills: one harmless event on the whole way to a person, and where it stops. */
export class Drills {
  readonly #ports: Ports
  readonly #parts: Parts
  #isUnderWay = false

  constructor(ports: Ports, parts: Parts) {
    this.#ports = ports
    this.#parts = parts
  }

  /** To be called before messages are taken: what a crash left is put right. */
  async start(): Promise<void> {
    const { notifications: store, clock, log } = this.#ports
    for (const { id, deviceId, startedMs } of await store.drills()) {
      if (startedMs < clock.now() - MEMORY_MS) await store.removeDrill(id)
      else this.#parts.judge.expectNothing(id)
      await this.#resolveAll(id, deviceId).catch((error) => {
        log.error({ err: error, drill: id }, 'the alert of a fire drill remains')
      })
    }
  }

  /**
   * Carries out one drill, which takes up to about a minute.
   *
   * @param deviceId  default: the first device with a security module
   * @throws {HubError} `DeviceNotFound`; `GenericConflict` while another is under way
   */
  async run(deviceId?: string): Promise<DrillReport> {
    if (this.#isUnderWay) throw new HubError('GenericConflict', 'A fire drill is under way.')
    this.#isUnderWay = true
    try {
      const run = new DrillRun(randomUUID(), this.#ports.clock)
      const module = await this.#choose(run, deviceId)
      if (module) await this.#carryOut(run, module)
      return run.report(module?.deviceId ?? deviceId ?? '')
    } finally {
      this.#isUnderWay = false
    }
  }

  async #choose(run: DrillRun, deviceId: string | undefined) {
    return run.step('module', async () => {
      const ref = deviceId === undefined ? await this.#anyModule() : await this.#moduleOf(deviceId)
      return { value: ref, detail: `${ref.deviceId} has the security module ${ref.moduleId}` }
    })
  }

  async #anyModule(): Promise<PlatformModule['ref']> {
    const ids = securityModuleIds(this.#parts.securityModuleId)
    for (let after: string | undefined; ; ) {
      const { marks, next } = await this.#ports.platform.listModuleMarks(ids, after)
      const [first] = marks
      if (first) return first.ref
      if (next === undefined) throw new DrillBroken('no device has a security module')
      after = next
    }
  }

  async #moduleOf(deviceId: string): Promise<PlatformModule['ref']> {
    const modules = await this.#ports.platform.listModules(deviceId)
    if (!modules) throw new HubError('DeviceNotFound', `There is no device ${deviceId}.`)
    const ids = securityModuleIds(this.#parts.securityModuleId)
    const module = modules.find(({ ref }) => ids.includes(ref.moduleId))
    if (!module) throw new DrillBroken(`${deviceId} has no security module`)
    return module.ref
  }

  async #carryOut(run: DrillRun, ref: PlatformModule['ref']): Promise<void> {
    const { notifications: store, clock } = this.#ports
    const { judge } = this.#parts
    const { id } = run
    await this.#makeRoom()
    await store.putDrill({ id, deviceId: ref.deviceId, startedMs: clock.now() })
    // From before the message, so that no notification is missed.
    const deliveries = followDeliveries(this.#parts.notifications, id)
    let isDone = false
    try {
      const evaluation = await this.#evaluate(run, ref)
      const alert = evaluation && (await this.#raised(run, evaluation))
      if (alert) await this.#notified(run, alert, deliveries)
      await this.#cleanUp(run, ref.deviceId, evaluation !== undefined)
      isDone = evaluation !== undefined
    } finally {
      deliveries.end()
      // A message that was not evaluated yet must not raise an alert when it comes.
      if (isDone) judge.forget(id)
      else judge.expectNothing(id)
    }
  }

  async #evaluate(run: DrillRun, ref: PlatformModule['ref']): Promise<Evaluation | undefined> {
    const { clock } = this.#ports
    const { judge, inject, unhealthy } = this.#parts
    const evaluated = new Promise<Evaluation>((resolve) => judge.expect(run.id, resolve))
    const body = drillMessage(run.id, clock.now())
    const isSent = await run.step('message', async () => {
      const sequence = await this.#send(ref, body)
      if (sequence !== undefined) {
        return { value: true, detail: `accepted as message ${sequence} of the security stream` }
      }
      const detail = 'this platform cannot send as an agent; the drill goes on at the pipeline'
      return { value: false, detail, isSkipped: true }
    })
    if (isSent === undefined) return undefined
    return run.step('pipeline', async () => {
      if (!isSent) await inject({ ...asMessage(ref, body), enqueuedTimeMs: clock.now() })
      const evaluation = await run.within(EVALUATION_DEADLINE_MS, evaluated)
      if (!evaluation) {
        const reason = unhealthy() ?? 'other messages may wait before it'
        const seconds = EVALUATION_DEADLINE_MS / 1_000
        throw new DrillBroken(`not evaluated within ${seconds} s: ${reason}`)
      }
      const [rejection] = evaluation.ingested.decoded.rejections
      if (rejection) throw new DrillBroken(`the event was refused: ${rejection.reason}`)
      return { value: evaluation, detail: 'the event was accepted and evaluated' }
    })
  }

  /** @returns the message's sequence, or `undefined` where only modules themselves can send */
  async #send(ref: PlatformModule['ref'], body: Uint8Array): Promise<number | undefined> {
    try {
      return await this.#ports.platform.sendSecurityMessage(ref, body)
    } catch (error) {
      if (error instanceof HubError && error.code === 'NotImplemented') return undefined
      throw error
    }
  }

  async #raised(run: DrillRun, { verdicts }: Evaluation): Promise<Alert | undefined> {
    const finding = await run.step('rule', async () => describeVerdicts(verdicts))
    if (!finding) return undefined
    return run.step('alert', async () => {
      const found = await this.#ports.findings.findAlertByKey(dedupeKey(finding))
      if (!found)
        throw new DrillBroken('flood control held it back: the device has many new alerts')
      if (finding.maintenance !== undefined) {
        throw new DrillBroken(`a maintenance window closes it at once: ${finding.maintenance}`)
      }
      return { value: found, detail: `alert ${found.id} (${found.alertType}, ${found.severity})` }
    })
  }

  async #notified(
    run: DrillRun,
    alert: Alert,
    deliveries: ReturnType<typeof followDeliveries>,
  ): Promise<void> {
    this.#parts.wake()
    const targets = await run.step('route', async () => {
      const found = await this.#parts.notifications.targets(subjectOf({ sequence: 0, alert }))
      if (found.length === 0)
        throw new DrillBroken('no enabled route to an enabled channel wants it')
      const names = found.map(({ routeId, channelId }) => `${routeId} → ${channelId}`)
      return { value: found, detail: names.join(', ') }
    })
    for (const { channelId } of targets ?? []) {
      await run.notification(channelId, () => deliveries.outcome(run, channelId))
    }
  }

  async #cleanUp(run: DrillRun, deviceId: string, isEvaluated: boolean): Promise<void> {
    await run.always('cleanup', async () => {
      const count = await this.#resolveAll(run.id, deviceId)
      if (isEvaluated) await this.#ports.notifications.removeDrill(run.id)
      return { value: count, detail: count === 0 ? 'nothing to resolve' : 'the alert is resolved' }
    })
  }

  async #resolveAll(drill: string, deviceId: string): Promise<number> {
    const open = await this.#ports.findings.openAlerts(deviceId, MAX_OPEN_ALERTS)
    const mine = open.filter((alert) => alert.drill === drill)
    for (const { id } of mine) {
      const change = { status: 'Resolved' as const, note: 'The fire drill is over.' }
      await this.#parts.findings.changeAlert(id, change, AUTHOR)
    }
    return mine.length
  }

  /** Of the drills whose messages never came the oldest are forgotten. */
  async #makeRoom(): Promise<void> {
    const { notifications: store } = this.#ports
    const drills = [...(await store.drills())].sort((a, b) => a.startedMs - b.startedMs)
    for (const { id } of drills.slice(0, Math.max(0, drills.length - MAX_REMEMBERED + 1))) {
      this.#parts.judge.forget(id)
      await store.removeDrill(id)
    }
  }
}

function asMessage(ref: PlatformModule['ref'], body: Uint8Array) {
  return { ref, body, system: {}, application: {} }
}
