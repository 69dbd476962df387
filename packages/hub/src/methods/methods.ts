import { type DeviceRef, HubError, type JsonValue } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Registry } from '../registry/registry.ts'
import type { LiveSession, Sessions } from '../sessions/sessions.ts'

/** What a service asks a device or module to do (09 §1). */
export interface MethodCall {
  readonly name: string
  readonly payload: JsonValue
  /** 5–300 s. */
  readonly responseTimeoutMs: number
  /** 0–300 s, at most `responseTimeoutMs`; 0 = do not wait for a connection. */
  readonly connectTimeoutMs: number
}

/** What the device answered; `payload` is `null` when it sent nothing. */
export interface MethodResult {
  readonly status: number
  readonly payload: JsonValue
}

/** A call on its way to the device. */
export interface MethodRequest {
  /** Opaque; letters and digits. */
  readonly rid: string
  readonly name: string
  /** JSON text. */
  readonly payload: string
}

/** Direct methods: calls to connected devices and modules, each answered once or not at all. */
export class Methods {
  readonly #registry: Registry
  readonly #sessions: Sessions
  readonly #clock: Clock

  constructor(ports: { registry: Registry; bus: EventBus; clock: Clock }, sessions: Sessions) {
    this.#registry = ports.registry
    this.#sessions = sessions
    this.#clock = ports.clock
  }

  /**
   * @throws {HubError} `ArgumentInvalid`; `DeviceNotFound` or `ModuleNotFound`; `DeviceNotOnline`;
   *   `GatewayTimeout`; `MessageTooLarge`; `DeviceMaximumInflightMethodExceeded`
   */
  async invoke(_ref: DeviceRef, _call: MethodCall): Promise<MethodResult> {
    throw new HubError('NotImplemented', 'Direct methods are not served yet.')
  }

  /** A session's answer. One that nobody waits for (late, doubled, of another session) is dropped. */
  answer(_session: LiveSession, _rid: string, _status: number, _payload: Uint8Array): void {}
}
