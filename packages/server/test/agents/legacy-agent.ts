import { randomUUID } from 'node:crypto'
import {
  EARLY_CONFIGURATION_KEY,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  LEGACY_CONFIGURATION_KEY,
} from '@twinward/protocol'
import { agentEvent, envelope, type TimeSpelling } from './events.ts'
import {
  C_SETTINGS,
  CSHARP_SETTINGS,
  EARLY_SETTINGS,
  type LegacySetting,
  readSettings,
  respellDuration,
  type SettingValue,
  TypeMismatch,
} from './legacy-settings.ts'
import type { AgentTransport, OutgoingMessage } from './transport.ts'

/** What one of the legacy agents does its own way. */
export interface LegacyDialect {
  /** As it announces itself: the C agent 0.0.6 says 0.0.5, C# has four parts. */
  readonly agentVersion: string
  readonly key: string
  readonly settings: Readonly<Record<string, LegacySetting>>
  readonly isWrapped: boolean
  readonly times: TimeSpelling
  /** Takes the payload of a patch for the whole configuration (security 01 §10, T2). */
  readonly takesPatchAsWhole: boolean
  /** Reports again, with what it had, after a configuration that it does not take. */
  readonly reportsRefused: boolean
  readonly errorName: string
  respell(setting: LegacySetting, value: SettingValue): SettingValue
}

export const C_AGENT: LegacyDialect = {
  agentVersion: '0.0.5',
  key: LEGACY_CONFIGURATION_KEY,
  settings: C_SETTINGS,
  isWrapped: true,
  times: 'c',
  takesPatchAsWhole: true,
  reportsRefused: true,
  errorName: 'TwinConfiguration',
  respell({ type }, value) {
    if (typeof value !== 'string') return value
    if (type === 'priority') return value.toLowerCase()
    return type === 'duration' ? respellDuration(value) : value
  },
}

export const CSHARP_AGENT: LegacyDialect = {
  ...C_AGENT,
  agentVersion: '0.0.6.0',
  settings: CSHARP_SETTINGS,
  times: 'csharp',
  takesPatchAsWhole: false,
  reportsRefused: false,
  errorName: 'RemoteConfiguration',
  respell: (_setting, value) => value,
}

/** C and C# 0.0.3: the older key and plain values. */
export const EARLY_AGENT: LegacyDialect = {
  ...CSHARP_AGENT,
  agentVersion: '0.0.3',
  key: EARLY_CONFIGURATION_KEY,
  settings: EARLY_SETTINGS,
  isWrapped: false,
  times: 'blank',
}

/** A security agent of the legacy era: reads its configuration, obeys, reports, sends. */
export class LegacyAgent {
  readonly agentId = randomUUID()
  readonly dialect: LegacyDialect
  readonly transport: AgentTransport & { subscribe(): Promise<void> }
  settings: Readonly<Record<string, SettingValue>>
  /** How many configurations it has applied or refused. */
  handled = 0
  #object: JsonObject = {}
  #work: Promise<void> = Promise.resolve()
  readonly #operational: JsonObject[] = []

  constructor(dialect: LegacyDialect, transport: LegacyAgent['transport']) {
    this.dialect = dialect
    this.transport = transport
    this.settings = readSettings(dialect.settings, undefined, dialect.isWrapped)
    transport.onDesired((patch) => {
      this.#work = this.#work.then(() => this.#changed(patch))
    })
  }

  /** Subscribes, reads the twin, applies it and reports what is in force. */
  async start(): Promise<void> {
    await this.transport.subscribe()
    const { desired } = await this.transport.getTwin()
    const object = desired[this.dialect.key]
    if (isJsonObject(object)) this.#object = object
    await this.#apply(object)
  }

  /** Sends events as one message, what it has to say about itself in front. */
  async send(...events: readonly JsonObject[]): Promise<void> {
    await this.transport.send(this.message(...events))
  }

  message(...events: readonly JsonObject[]): OutgoingMessage {
    const { agentVersion } = this.dialect
    const all = [...this.#operational.splice(0), ...events]
    const isCsharp = agentVersion.split('.').length === 4
    return {
      body: envelope(agentVersion, this.agentId, all),
      ...(isCsharp && { properties: { MessagePriority: 'High', HubResourceId: '' } }),
    }
  }

  event(
    name: string,
    payload: readonly JsonObject[],
    kind: Partial<Parameters<typeof agentEvent>[0]> = {},
  ): JsonObject {
    return agentEvent({ name, payload, times: this.dialect.times, ...kind })
  }

  /** What it lost because a queue was full, and what it sent, since it last said so. */
  statistics(dropped: number): readonly JsonObject[] {
    const kind = { category: 'Periodic', eventType: 'Operational' } as const
    return [
      this.event(
        'DroppedEventsStatistics',
        [{ Queue: 'High', CollectedEvents: 100 + dropped, DroppedEvents: dropped }],
        kind,
      ),
      this.event(
        'MessageStatistics',
        [{ MessagesSent: 3, MessagesUnder4KB: 1, TotalFailed: 0 }],
        kind,
      ),
    ]
  }

  /** Flushes what it has to say about itself. */
  async flush(): Promise<void> {
    await this.#work
    if (this.#operational.length > 0) await this.send()
  }

  async #changed(patch: JsonObject): Promise<void> {
    const { key, takesPatchAsWhole } = this.dialect
    if (!(key in patch)) return
    const change = patch[key]
    if (takesPatchAsWhole || !isJsonObject(change)) {
      this.#object = isJsonObject(change) ? change : {}
      await this.#apply(change === null ? undefined : change)
      return
    }
    const merged: Record<string, JsonValue> = { ...this.#object }
    for (const [name, value] of Object.entries(change)) {
      if (value === null) delete merged[name]
      else merged[name] = value
    }
    this.#object = merged
    await this.#apply(merged)
  }

  async #apply(object: JsonValue | undefined): Promise<void> {
    const { settings, isWrapped, reportsRefused } = this.dialect
    try {
      this.settings = readSettings(settings, object, isWrapped)
      await this.#report()
    } catch (error) {
      if (!(error instanceof TypeMismatch)) throw error
      this.#operational.push(this.#mismatch(error.message))
      if (reportsRefused) await this.#report()
    }
    this.handled++
  }

  async #report(): Promise<void> {
    const { key, isWrapped, settings, respell } = this.dialect
    const object: Record<string, JsonValue> = {}
    for (const [name, setting] of Object.entries(settings)) {
      const value = respell(setting, this.settings[name] ?? null)
      // Nothing is reported of a file that there is not.
      if (value !== null) object[name] = isWrapped ? { value } : value
    }
    await this.transport.report({ [key]: object })
  }

  #mismatch(message: string): JsonObject {
    const payload = {
      ConfigurationName: this.dialect.errorName,
      ErrorType: 'TypeMismatch',
      UsedConfiguration: JSON.stringify(this.settings),
      Message: message,
    }
    return this.event('ConfigurationError', [payload], { eventType: 'Operational' })
  }
}
