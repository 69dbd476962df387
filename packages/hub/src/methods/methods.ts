import { randomBytes } from 'node:crypto'
import { type DeviceRef, HubError, refKey } from '@twinward/protocol'
import type { ActivityCounters } from '../activity/counters.ts'
import type { EventBus, Notice } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Registry } from '../registry/registry.ts'
import type { LiveSession, Sessions } from '../sessions/sessions.ts'
import {
  checkMethodCall,
  formatTimeout,
  type MethodCall,
  type MethodResult,
  readMethodAnswer,
} from './method-call.ts'

/** A call on its way to the device. */
export interface MethodRequest {
  /** Opaque; letters and digits. */
  readonly rid: string
  readonly name: string
  /** JSON text. */
  readonly payload: string
}

/** Calls of one device or module that wait for it or for its answer. */
export const MAX_CALLS_PER_IDENTITY = 32
/** The same of all together, and the bytes of their payloads. */
export const MAX_CALLS = 10_000
export const MAX_CALLS_BYTES = 64 * 1024 * 1024
/** A call costs this much besides its payload. */
const CALL_BYTES = 1024

/** A call that is not over: first it waits for the subscription, then for the answer. */
interface PendingCall {
  readonly ref: DeviceRef
  readonly request: MethodRequest
  readonly costBytes: number
  /** The session that was asked; `undefined` until one takes methods. */
  session: LiveSession | undefined
  subscribed(session: LiveSession): void
  answered(result: MethodResult): void
  fail(error: HubError): void
}

interface MethodPorts {
  readonly registry: Registry
  readonly bus: EventBus
  readonly clock: Clock
  readonly counters?: Pick<ActivityCounters, 'count'>
}

/**
 * Direct methods: calls to connected devices and modules, each answered once or not at all. Nothing is
 * queued or repeated: a call is sent to one session, once (09 §3).
 */
export class Methods {
  readonly #registry: Registry
  readonly #counters: MethodPorts['counters']
  readonly #sessions: Sessions
  readonly #clock: Clock
  /** By identity, then by rid. */
  readonly #calls = new Map<string, Map<string, PendingCall>>()
  #count = 0
  #bytes = 0
  #isClosed = false

  constructor(ports: MethodPorts, sessions: Sessions) {
    this.#registry = ports.registry
    this.#counters = ports.counters
    this.#sessions = sessions
    this.#clock = ports.clock
    ports.bus.subscribe((notice) => this.#notice(notice))
  }

  /** Calls that wait for a device or its answer. */
  get pendingCount(): number {
    return this.#count
  }

  /**
   * Asks the session that takes methods, after waiting `connectTimeoutMs` for one at most; its answer
   * has `responseTimeoutMs` from then on.
   *
   * @throws {HubError} `ArgumentNull`, `ArgumentInvalid` or `MessageTooLarge` for the call itself;
   *   `DeviceNotFound` (disabled ones too) or `ModuleNotFound`; `DeviceNotOnline`: nothing was sent;
   *   `GatewayTimeout`: no answer; `DeviceConnectionClosedRemotely`: the session that was asked ended
   *   before it answered; `GenericBadGateway`: the answer is too large;
   *   `DeviceMaximumInflightMethodExceeded`; `ThrottlingException`; `ServiceUnavailable`: the hub stops
   */
  async invoke(ref: DeviceRef, call: MethodCall): Promise<MethodResult> {
    const payload = checkMethodCall(call)
    await this.#checkTarget(ref)
    const pending = this.#admit(ref, call.name, payload)
    try {
      const session = this.#findSubscribed(ref)
      if (!session) await this.#subscription(pending, call.connectTimeoutMs)
      return await this.#ask(pending, session ?? this.#findSubscribed(ref), call)
    } finally {
      this.#release(pending)
    }
  }

  /** A session's answer. One that nobody waits for (late, doubled, of another session) is dropped. */
  answer(session: LiveSession, rid: string, status: number, payload: Uint8Array): void {
    const pending = this.#calls.get(refKey(session.ref))?.get(rid)
    if (pending?.session !== session) return
    try {
      pending.answered({ status, payload: readMethodAnswer(payload) })
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      pending.fail(error)
    }
  }

  /** Fails all calls that are not over, and all that follow. */
  close(): void {
    this.#isClosed = true
    for (const calls of this.#calls.values()) {
      for (const pending of calls.values()) pending.fail(stopping())
    }
  }

  async #checkTarget(ref: DeviceRef): Promise<void> {
    const { deviceId, moduleId } = ref
    const device = await this.#registry.find({ deviceId })
    if (device?.identity.status !== 'enabled') throw new HubError('DeviceNotFound', deviceId)
    if (moduleId !== undefined && !(await this.#registry.find(ref))) {
      throw new HubError('ModuleNotFound', `${deviceId}/${moduleId}`)
    }
  }

  #admit(ref: DeviceRef, name: string, payload: string): PendingCall {
    if (this.#isClosed) throw stopping()
    const key = refKey(ref)
    const ofIdentity = this.#calls.get(key) ?? new Map<string, PendingCall>()
    if (ofIdentity.size >= MAX_CALLS_PER_IDENTITY) {
      throw new HubError(
        'DeviceMaximumInflightMethodExceeded',
        `${MAX_CALLS_PER_IDENTITY} method calls of ${key} are under way: wait for one to end.`,
      )
    }
    const costBytes = CALL_BYTES + payload.length
    if (this.#count >= MAX_CALLS || this.#bytes + costBytes > MAX_CALLS_BYTES) {
      throw new HubError('ThrottlingException', 'Too many method calls are under way.')
    }
    const request = { rid: randomBytes(12).toString('hex'), name, payload }
    const pending: PendingCall = {
      ...{ ref, request, costBytes, session: undefined },
      ...{ subscribed() {}, answered() {}, fail() {} },
    }
    this.#calls.set(key, ofIdentity.set(request.rid, pending))
    this.#count += 1
    this.#bytes += costBytes
    return pending
  }

  #release({ ref, request, costBytes }: PendingCall): void {
    const key = refKey(ref)
    const ofIdentity = this.#calls.get(key)
    ofIdentity?.delete(request.rid)
    if (ofIdentity?.size === 0) this.#calls.delete(key)
    this.#count -= 1
    this.#bytes -= costBytes
  }

  #findSubscribed(ref: DeviceRef): LiveSession | undefined {
    const session = this.#sessions.find(ref)
    return session?.takesMethods && session.callMethod ? session : undefined
  }

  #subscription(pending: PendingCall, timeoutMs: number): Promise<LiveSession> {
    if (timeoutMs === 0) throw notOnline(timeoutMs)
    return this.#within(
      timeoutMs,
      () => notOnline(timeoutMs),
      (resolve, reject) => {
        pending.subscribed = resolve
        pending.fail = reject
      },
    )
  }

  #ask(
    pending: PendingCall,
    session: LiveSession | undefined,
    { connectTimeoutMs, responseTimeoutMs }: MethodCall,
  ): Promise<MethodResult> {
    if (this.#isClosed) throw stopping()
    // It came and went before its turn.
    if (!session) throw notOnline(connectTimeoutMs)
    const late = () =>
      new HubError('GatewayTimeout', 'Timed out waiting for the response from device.', {
        info: { timeout: formatTimeout(responseTimeoutMs) },
      })
    return this.#within(responseTimeoutMs, late, (resolve, reject) => {
      pending.answered = resolve
      pending.fail = reject
      pending.session = session
      this.#counters?.count(session.ref.deviceId, 'directMethodInvokes')
      session.callMethod?.(pending.request)
    })
  }

  /** A promise that `start` settles, or that rejects with `late()` when the time is up. */
  #within<T>(
    timeoutMs: number,
    late: () => HubError,
    start: (resolve: (value: T) => void, reject: (error: HubError) => void) => void,
  ): Promise<T> {
    const timer = new AbortController()
    return new Promise<T>((resolve, reject) => {
      this.#clock.sleep(timeoutMs, timer.signal).then(
        () => reject(late()),
        () => {},
      )
      start(resolve, reject)
    }).finally(() => timer.abort())
  }

  #notice(notice: Notice): void {
    const { kind } = notice
    if (kind !== 'methods-subscribed' && kind !== 'session-opened' && kind !== 'session-closed') {
      return
    }
    const calls = this.#calls.get(refKey(notice.ref))
    if (!calls) return
    const current = this.#sessions.find(notice.ref)
    const subscribed = this.#findSubscribed(notice.ref)
    for (const pending of calls.values()) {
      if (!pending.session) {
        if (subscribed) pending.subscribed(subscribed)
      } else if (pending.session !== current) pending.fail(connectionClosed())
    }
  }
}

function notOnline(timeoutMs: number): HubError {
  return new HubError(
    'DeviceNotOnline',
    "The operation failed because the requested device isn't online or hasn't registered the direct " +
      'method callback.',
    { info: { timeout: formatTimeout(timeoutMs) } },
  )
}

/** Its answer can no longer come, so nobody need wait for the timeout. */
function connectionClosed(): HubError {
  return new HubError(
    'DeviceConnectionClosedRemotely',
    'The device disconnected before it answered; it may have run the method.',
  )
}

function stopping(): HubError {
  return new HubError('ServiceUnavailable', 'The hub is stopping.')
}
