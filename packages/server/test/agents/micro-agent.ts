import { randomUUID } from 'node:crypto'
import type { JsonObject, JsonValue } from '@twinward/protocol'
import { agentEvent } from './events.ts'
import type { AgentTransport } from './transport.ts'

type Judge = (value: JsonValue) => boolean

const isFlag: Judge = (value) => typeof value === 'boolean'
const isText: Judge = (value) => typeof value === 'string'
const isFrequency: Judge = (value) =>
  typeof value === 'string' && /^(low|medium|high)$/i.test(value)
const isPositive: Judge = (value) => Number.isInteger(value) && Number(value) > 0
const isIntervals: Judge = (value) =>
  typeof value === 'string' && /^[1-9]\d*,[1-9]\d*,[1-9]\d*$/.test(value)

/** What it looks for in a name (security 02 §3); what it does not know it passes over. */
function judgeOf(name: string): Judge | undefined {
  if (name === 'CollectorsCore_PriorityIntervals') return isIntervals
  if (/_(Disabled|UsePAM|Recursive)$/.test(name)) return isFlag
  if (name.endsWith('_MessageFrequency')) return isFrequency
  if (/_(CacheSize|PacketBufferSize|PollingInterval|MessageTimeout)$/.test(name)) return isPositive
  return name.includes('_') ? isText : undefined
}

/** The Linux micro agent: flat settings, `latest_state` in return, everything sent on a change. */
export class MicroAgent {
  static readonly VERSION = '4.6.2'
  readonly agentId = randomUUID()
  readonly transport: AgentTransport & { subscribe(): Promise<void> }
  settings: JsonObject = {}
  handled = 0
  readonly #unsent: JsonObject[] = []
  #work: Promise<void> = Promise.resolve()

  constructor(transport: MicroAgent['transport']) {
    this.transport = transport
    transport.onDesired((patch) => {
      this.#work = this.#work.then(() => this.#changed(patch))
    })
  }

  async start(): Promise<void> {
    await this.transport.subscribe()
    const { desired } = await this.transport.getTwin()
    const { $version: _, ...settings } = desired
    await this.#apply(settings)
  }

  /** Keeps it until the interval of its class is over, or the configuration changes. */
  collect(name: string, payload: readonly JsonObject[], isSnapshot = false): void {
    const category = isSnapshot ? 'Periodic' : 'Triggered'
    this.#unsent.push(agentEvent({ name, payload, category }))
  }

  get waiting(): number {
    return this.#unsent.length
  }

  async flush(): Promise<void> {
    if (this.#unsent.length === 0) return
    const body = {
      AgentVersion: MicroAgent.VERSION,
      AgentId: this.agentId,
      MessageSchemaVersion: '2.0',
      Events: this.#unsent.splice(0),
    }
    await this.transport.send({ body: Buffer.from(JSON.stringify(body)) })
  }

  async #changed(patch: JsonObject): Promise<void> {
    await this.flush()
    const settings: Record<string, JsonValue> = { ...this.settings }
    for (const [name, value] of Object.entries(patch)) {
      if (name === '$version') continue
      if (value === null) delete settings[name]
      else settings[name] = value
    }
    await this.#apply(settings)
  }

  async #apply(settings: JsonObject): Promise<void> {
    const invalid = Object.entries(settings)
      .filter(([name, value]) => judgeOf(name)?.(value) === false)
      .map(([name]) => name)
    if (invalid.length === 0) this.settings = settings
    await this.transport.report(
      invalid.length === 0
        ? { latest_state: 'success', latest_invalid_fields: null }
        : { latest_state: 'failed', latest_invalid_fields: invalid.join(',') },
    )
    this.handled++
  }
}
