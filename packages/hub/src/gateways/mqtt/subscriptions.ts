import type { MqttSubscription } from '@twinward/protocol'

/**
 * The subscriptions of a session as bits of one number: the filters are a fixed list, so a session
 * cannot grow. The upper half repeats the bits of those with QoS 1. Stored with the identity, so a
 * bit keeps its meaning for ever.
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

/** What is left of them to a session that may have its own twin and nothing else. */
export function withTwinOnly(subscriptions: Subscriptions): Subscriptions {
  const bits = BIT['twin-responses'] | BIT['desired-changes']
  return subscriptions & (bits | (bits << QOS_1_SHIFT))
}

/** The QoS of what is subscribed to, 0 or 1. */
export function qosOf(subscriptions: Subscriptions, kind: MqttSubscription): number {
  return (subscriptions & (BIT[kind] << QOS_1_SHIFT)) === 0 ? 0 : 1
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
