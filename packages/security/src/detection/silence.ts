import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { AgentPlace, FindingStore } from '../data/finding-store.ts'
import type { AgentRecord } from '../ingestion/record.ts'
import type { Log } from '../log.ts'
import type { ModuleStore } from '../modules/module-store.ts'
import { SILENCE_LIMIT_MS } from '../modules/state.ts'
import type { AgentState } from '../posture/agent-state.ts'
import type { Serial } from '../serial.ts'
import type { Alert } from './alert.ts'
import { changeStatus, dedupeKey, ENGINE, openOrUpdate } from './alerts.ts'
import type { Finding } from './evaluate.ts'
import { Noise } from './noise/noise.ts'
import type { Judge } from './noise/verdict.ts'
import { matchRecord } from './record-match.ts'
import type { AlertType } from './rule.ts'

/** How often devices are looked for that have become silent. */
export const WATCH_INTERVAL_MS = 10 * 60_000
/** Silent devices that are looked at in one step. */
const PAGE_DEVICES = 100
/** Devices whose silence is held back that are looked at again; beyond, the next start does. */
const MAX_HELD_BACK = 10_000
const HOUR_MS = 3_600_000

export const deviceSilent: AlertType = {
  number: 43,
  // Its type was never published; this name is ours.
  alertType: 'IoT_DeviceSilent',
  displayName: 'Device silent',
  severity: 'Low',
  intent: 'DefenseEvasion',
  description:
    'The security agent of the device has sent nothing for a long time. The device may be off, ' +
    'without network, or somebody switched its agent off.',
  remediationSteps: [
    'Check that the device is on and connected; its other messages tell.',
    'If it is, check that the security agent runs and may connect (credentials, clock, firewall).',
    'If the agent was stopped and nobody knows why, treat the device as broken into.',
    'Retire the security module of a device that is out of service. The alert resolves itself ' +
      'with the next message.',
  ],
  techniques: ['T1562.001'],
}

/** What is found when an agent is silent; it holds no event, since there was none. */
export function silenceFinding(agent: AgentState, nowMs: number): Finding {
  const { deviceId, moduleId, agentVersion, agentId, lastMessageMs } = agent
  const record: AgentRecord = {
    kind: 'agent',
    type: 'heartbeat',
    hits: 1,
    payload: [],
    header: {
      ref: { deviceId, ...(moduleId !== '' && { moduleId }) },
      ...{ era: 'legacy', agentVersion, agentId, eventId: '', name: '', category: '' },
      ...{ eventType: '', isEmpty: true, timeMs: lastMessageMs, timestampLocal: '' },
      ...{ receivedMs: nowMs, sequence: 0, deviations: [] },
    },
  }
  const hours = Math.floor((nowMs - lastMessageMs) / HOUR_MS)
  const match = matchRecord(record, {
    key: '',
    seen: `nothing for ${hours} hours`,
    detail: `last message at ${new Date(lastMessageMs).toISOString()}`,
    properties: { 'Last Message': new Date(lastMessageMs).toISOString() },
  })
  const observed = { eventId: '', timeMs: lastMessageMs }
  return { rule: { type: deviceSilent }, record, match: { ...match, observed }, element: 0 }
}

/** Whether the newest alert on a device's silence is about this silence. */
export function tellsSilence(existing: Alert | undefined, { lastMessageMs }: AgentState): boolean {
  return existing !== undefined && existing.startTimeMs >= lastMessageMs
}

/** The alert after the device sent again; without one when a person closed it. */
export function endSilence(alert: Alert | undefined, nowMs: number): Alert | undefined {
  if (alert?.status !== 'Active' && alert?.status !== 'InProgress') return undefined
  const change = { timeMs: nowMs, by: ENGINE, note: 'The device sends again.' }
  const resolved = changeStatus(alert, { ...change, status: 'Resolved' })
  return { ...resolved, endTimeMs: Math.max(alert.endTimeMs, nowMs) }
}

/** The key by which the alert on a device's silence is found. */
export function silenceKey(agent: AgentState): string {
  return dedupeKey(silenceFinding(agent, 0))
}

interface Ports {
  readonly findings: FindingStore
  readonly modules: ModuleStore
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  /** Without a message for so long, a device is silent. Default `SILENCE_LIMIT_MS`. */
  readonly silentAfterMs?: number
  readonly judge: Judge
  /** Changes of findings are made one after the other. */
  readonly changes: Serial
  /** Told of every device with a new alert. */
  readonly touched: (deviceId: string) => void
}

/**
 * Raises the alert on devices that became silent. Times of last messages only grow, so each look
 * takes those that passed the limit since the last look; the first one after a start takes all. A
 * silence that is held back is looked at again until it ends: what holds it back may end first.
 */
export class SilenceWatch {
  readonly #ports: Ports
  readonly #options: Options
  readonly #closing = new AbortController()
  #place: AgentPlace = { lastMessageMs: 0, deviceId: '\uffff' }
  /** Devices whose silence raised no alert, with the time of their last message. */
  readonly #heldBack = new Map<string, number>()
  #loop: Promise<void> | undefined

  constructor(ports: Ports, options: Options) {
    this.#ports = ports
    this.#options = options
  }

  start(): void {
    this.#loop ??= this.#watch()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#loop
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await clock.sleep(WATCH_INTERVAL_MS, signal)
        await this.#lookAgain()
        while (await this.#options.changes.run(() => this.#look())) signal.throwIfAborted()
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'silent devices could not be looked for')
      }
    }
  }

  /** @returns whether there may be more */
  async #look(): Promise<boolean> {
    const { findings, clock } = this.#ports
    const { silentAfterMs = SILENCE_LIMIT_MS } = this.#options
    const nowMs = clock.now()
    const throughMs = nowMs - silentAfterMs
    const page = { after: this.#place, throughMs, limit: PAGE_DEVICES }
    const agents = await findings.agentsByLastMessage(page)
    await this.#take(agents, nowMs)
    // Only now, so that a look that failed is made again.
    this.#place = agents.at(-1) ?? this.#place
    return agents.length === PAGE_DEVICES
  }

  /** At those whose silence was held back. */
  async #lookAgain(): Promise<void> {
    const { findings, clock } = this.#ports
    const deviceIds = [...this.#heldBack.keys()]
    for (let from = 0; from < deviceIds.length; from += PAGE_DEVICES) {
      this.#closing.signal.throwIfAborted()
      await this.#options.changes.run(async () => {
        const some = deviceIds.slice(from, from + PAGE_DEVICES)
        const found = await Promise.all(some.map((deviceId) => findings.findAgent(deviceId)))
        for (const [at, deviceId] of some.entries()) {
          const isOver = found[at]?.lastMessageMs !== this.#heldBack.get(deviceId)
          if (isOver) this.#heldBack.delete(deviceId)
        }
        const silent = found.filter((agent) => agent !== undefined)
        const same = silent.filter(({ deviceId }) => this.#heldBack.has(deviceId))
        await this.#take(same, clock.now())
      })
    }
  }

  /** Raises what is to be raised, and remembers what is not. */
  async #take(agents: readonly AgentState[], nowMs: number): Promise<void> {
    const { findings } = this.#ports
    const alerts: Alert[] = []
    const heldBack: AgentState[] = []
    const noise = new Noise()
    for (const agent of agents) {
      const alert = await this.#alertOn(agent, nowMs, noise)
      if (alert === 'heldBack') heldBack.push(agent)
      else if (alert) alerts.push(alert)
    }
    if (alerts.length > 0 || !noise.isEmpty) await findings.commit({ alerts, ...noise.changes() })
    for (const { deviceId, lastMessageMs } of heldBack) {
      if (this.#heldBack.size < MAX_HELD_BACK) this.#heldBack.set(deviceId, lastMessageMs)
    }
    for (const { deviceId } of alerts) {
      this.#heldBack.delete(deviceId)
      this.#options.touched(deviceId)
    }
  }

  async #alertOn(
    agent: AgentState,
    nowMs: number,
    noise: Noise,
  ): Promise<Alert | 'heldBack' | undefined> {
    const { findings, modules } = this.#ports
    const module = await modules.find(agent.deviceId)
    // Whoever took it out of service, or switched its collection off, expects the silence.
    if (module?.state === 'retired' || module?.state === 'suspended') return 'heldBack'
    const finding = silenceFinding(agent, nowMs)
    const existing = await findings.findAlertByKey(dedupeKey(finding))
    if (tellsSilence(existing, agent)) return undefined
    const verdict = await this.#options.judge.judge(finding, nowMs)
    const isRaised = verdict.kind === 'raised'
    // Each silence is counted once, however often it is looked at.
    if (isRaised || !this.#heldBack.has(agent.deviceId)) noise.take(verdict, finding, nowMs)
    if (!isRaised) return 'heldBack'
    // A silence of its own, whatever became of the one before.
    const alert = openOrUpdate(undefined, verdict.finding, nowMs, randomUUID)
    return { ...alert, endTimeMs: nowMs }
  }
}
