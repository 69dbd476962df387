import { randomBytes } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { FindingStore } from '../../data/finding-store.ts'
import type { Log } from '../../log.ts'
import type { CredentialMark, TwinPlatform } from '../../platform.ts'
import type { Serial } from '../../serial.ts'
import type { Round } from '../round.ts'
import type { CredentialMarkStore } from './credential-store.ts'
import {
  assessSharing,
  MAX_NAMED_DEVICES,
  marksOf,
  sharedCredentialsType,
} from './shared-credentials.ts'

/** How often all identities are looked at, since notices may be lost. */
export const PASS_INTERVAL_MS = 3_600_000
/** Between pages, so that a pass over a large fleet does not get in the way. */
const PAGE_PAUSE_MS = 50
/** Devices whose findings are judged in one step. */
const PAGE_DEVICES = 100
/** Devices of one credential that are looked at when it changes; a pass looks at the others. */
const MAX_AFFECTED_DEVICES = 1_000
/** Devices that wait to be looked at; beyond, they wait for the next pass. */
const MAX_WAITING_DEVICES = 10_000
const KEY_BYTES = 32

interface Ports {
  readonly platform: TwinPlatform
  readonly findings: FindingStore
  readonly credentials: CredentialMarkStore
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  readonly round: () => Round
  readonly changes: Serial
  readonly touched: (deviceId: string) => void
}

/**
 * Finds devices that have the same credentials: by keyed hashes of digests, so that nothing in the
 * store opens anything. Looks at all identities at the start and every hour, and at those that
 * change as soon as the platform tells.
 */
export class CredentialWatch {
  readonly #ports: Ports
  readonly #options: Options
  readonly #closing = new AbortController()
  readonly #waiting = new Set<string>()
  #key = ''
  #work: Promise<void> = Promise.resolve()
  #isWorking = false
  #loop: Promise<void> | undefined
  #unsubscribe = () => {}

  constructor(ports: Ports, options: Options) {
    this.#ports = ports
    this.#options = options
  }

  async start(): Promise<void> {
    const { platform, credentials } = this.#ports
    this.#key = await credentials.keyOr(randomBytes(KEY_BYTES).toString('hex'))
    this.#unsubscribe = platform.subscribe((notice) => {
      if (notice.kind === 'credentials-changed') this.#soon(notice.deviceId)
      if (notice.kind === 'device-created' || notice.kind === 'device-removed') {
        this.#soon(notice.deviceId)
      }
      if (notice.kind === 'module-created' || notice.kind === 'module-removed') {
        this.#soon(notice.ref.deviceId)
      }
    })
    this.#loop = this.#watch()
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    this.#closing.abort()
    await Promise.all([this.#loop, this.#work])
  }

  #soon(deviceId: string): void {
    if (this.#waiting.size >= MAX_WAITING_DEVICES || this.#closing.signal.aborted) return
    this.#waiting.add(deviceId)
    if (this.#isWorking) return
    this.#isWorking = true
    this.#work = this.#workOff().finally(() => {
      this.#isWorking = false
    })
  }

  async #workOff(): Promise<void> {
    const { log } = this.#ports
    // One turn of the event loop lets the notices of one change gather.
    await new Promise((resolve) => setImmediate(resolve))
    for (const deviceId of this.#waiting) {
      if (this.#closing.signal.aborted) return
      this.#waiting.delete(deviceId)
      try {
        await this.#lookAt(deviceId)
      } catch (error) {
        log.error({ err: error, deviceId }, 'credentials of a device were not compared')
      }
    }
  }

  /** Whom it shared with before matters as much as whom it shares with now. */
  async #lookAt(deviceId: string): Promise<void> {
    const { platform, credentials, clock } = this.#ports
    const before = await credentials.sharedBy(deviceId, MAX_AFFECTED_DEVICES)
    const marks = await platform.credentialMarks(deviceId)
    await credentials.removeDevice(deviceId)
    if (marks !== undefined) await credentials.put(this.#hidden(marks), clock.now())
    const after = await credentials.sharedBy(deviceId, MAX_AFFECTED_DEVICES)
    if (before.length + after.length === 0) return
    const affected = new Set([...before, ...after].flatMap(({ deviceIds }) => deviceIds))
    if (marks === undefined) affected.delete(deviceId)
    else affected.add(deviceId)
    await this.#judge([...affected])
  }

  #hidden(marks: readonly CredentialMark[]) {
    return marks.map((one) => ({ ref: one.ref, marks: marksOf(one, this.#key) }))
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await this.#pass(signal)
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'credentials were not compared')
      }
      await clock.sleep(PASS_INTERVAL_MS, signal).catch(() => {})
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { platform, credentials, clock } = this.#ports
    const pass = clock.now()
    for (let after: string | undefined; ; ) {
      const { marks, next } = await platform.listCredentialMarks(after)
      await credentials.put(this.#hidden(marks), pass)
      if (next === undefined) break
      after = next
      await clock.sleep(PAGE_PAUSE_MS, signal)
    }
    await credentials.expire(pass)
    for (let after: string | undefined; ; ) {
      const page = await credentials.sharingDevices(PAGE_DEVICES, after)
      await this.#judge(page)
      after = page.at(-1)
      if (page.length < PAGE_DEVICES) break
      await clock.sleep(PAGE_PAUSE_MS, signal)
    }
    await this.#judgeKnown(signal)
  }

  /** Those that shared something once. */
  async #judgeKnown(signal: AbortSignal): Promise<void> {
    const { findings } = this.#ports
    const { recommendationType } = sharedCredentialsType
    for (const state of ['Active', 'Exempt'] as const) {
      for (let token: string | null | undefined; token !== null; ) {
        signal.throwIfAborted()
        const page = { recommendationType, state, limit: PAGE_DEVICES }
        const { items, continuationToken } = await findings.listRecommendations({
          ...page,
          ...(token !== undefined && { continuationToken: token }),
        })
        token = continuationToken
        await this.#judge(items.map(({ deviceId }) => deviceId))
      }
    }
  }

  async #judge(deviceIds: readonly string[]): Promise<void> {
    for (let from = 0; from < deviceIds.length; from += PAGE_DEVICES) {
      await this.#judgePage(deviceIds.slice(from, from + PAGE_DEVICES))
    }
  }

  async #judgePage(deviceIds: readonly string[]): Promise<void> {
    const { credentials, findings, clock } = this.#ports
    const { changes, touched } = this.#options
    const changed = await changes.run(async () => {
      const round = this.#options.round()
      for (const deviceId of deviceIds) {
        // One more than are named, since the device may be among them.
        const shared = await credentials.sharedBy(deviceId, MAX_NAMED_DEVICES + 1)
        const snapshot = { deviceId, timeMs: clock.now() }
        await round.judgeNow(sharedCredentialsType, assessSharing(deviceId, shared), snapshot)
      }
      const recommendations = round.changed()
      if (recommendations.length > 0) await findings.commit({ recommendations })
      return recommendations
    })
    for (const { deviceId } of changed) touched(deviceId)
  }
}
