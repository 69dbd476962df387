import { type DeviceRef, type MqttSubscription, refKey } from '@twinward/protocol'

/**
 * The subscriptions of a session as bits of one number: the filters are a fixed list, so a session
 * cannot grow. The upper half repeats the bits of those with QoS 1.
 */
export type Subscriptions = number

export const NO_SUBSCRIPTIONS: Subscriptions = 0

const BIT = {
  'twin-responses': 1,
  'desired-changes': 2,
  'method-requests': 4,
  c2d: 8,
  inputs: 16,
  'module-messages': 32,
} as const satisfies Record<MqttSubscription, number>

const QOS_1_SHIFT = 8

export function subscribed(subscriptions: Subscriptions, kind: MqttSubscription): boolean {
  return (subscriptions & BIT[kind]) !== 0
}

export function withSubscription(
  subscriptions: Subscriptions,
  kind: MqttSubscription,
  qos: number,
): Subscriptions {
  const bits = BIT[kind] | (qos > 0 ? BIT[kind] << QOS_1_SHIFT : 0)
  return withoutSubscription(subscriptions, kind) | bits
}

export function withoutSubscription(
  subscriptions: Subscriptions,
  kind: MqttSubscription,
): Subscriptions {
  return subscriptions & ~(BIT[kind] | (BIT[kind] << QOS_1_SHIFT))
}

/** Sessions that are remembered after their connection ended; beyond it the oldest are forgotten. */
export const MAX_STORED_SESSIONS = 100_000

/** What outlives a connection with clean session 0. In memory: SDKs subscribe again anyway. */
export class StoredSessions {
  /** In order of use, the oldest first. */
  readonly #sessions = new Map<string, Subscriptions>()
  readonly #limit: number

  constructor(limit = MAX_STORED_SESSIONS) {
    this.#limit = limit
  }

  find(ref: DeviceRef): Subscriptions | undefined {
    return this.#sessions.get(refKey(ref))
  }

  store(ref: DeviceRef, subscriptions: Subscriptions): void {
    const key = refKey(ref)
    this.#sessions.delete(key)
    this.#sessions.set(key, subscriptions)
    if (this.#sessions.size <= this.#limit) return
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest)
      break
    }
  }

  forget(ref: DeviceRef): void {
    this.#sessions.delete(refKey(ref))
  }
}
