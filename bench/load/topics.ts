import type { Dialect } from './plan.ts'

/** The topics of one dialect, and where the status stands in the topic of an answer. */
export interface Topics {
  patch(deviceId: string, requestId: number): string
  /** Asks for the twin. */
  get(deviceId: string, requestId: number): string
  /** Filter of the answers; absent where PUBACK is all that comes. */
  readonly answers?: (deviceId: string) => string
  /** Filter of the desired changes. */
  readonly desired?: (deviceId: string) => string
  /** How many characters of an answer's topic stand before its status. */
  answerStatusAt(deviceId: string): number
}

const iotHub: Topics = {
  patch: (_deviceId, requestId) => `$iothub/twin/PATCH/properties/reported/?$rid=${requestId}`,
  get: (_deviceId, requestId) => `$iothub/twin/GET/?$rid=${requestId}`,
  answers: () => '$iothub/twin/res/#',
  desired: () => '$iothub/twin/PATCH/properties/desired/#',
  answerStatusAt: () => '$iothub/twin/res/'.length,
}

// Without a hub the topic must name the device; as long as IoT Hub's, so that packets weigh the same.
const composite: Topics = {
  patch: (deviceId, requestId) => `twins/${deviceId}/PATCH/reported_values/${requestId}`,
  get: (deviceId, requestId) => `twins/${deviceId}/GET/${requestId}`,
  answers: (deviceId) => `twins/${deviceId}/res/#`,
  desired: (deviceId) => `twins/${deviceId}/desired`,
  answerStatusAt: (deviceId) => `twins/${deviceId}/res/`.length,
}

const topics: Record<Dialect, Topics> = {
  iothub: iotHub,
  composite,
  mqtt: { patch: composite.patch, get: composite.get, answerStatusAt: () => 0 },
  echo: { patch: iotHub.patch, get: iotHub.get, answerStatusAt: () => 0 },
}

export function topicsOf(dialect: Dialect): Topics {
  return topics[dialect]
}
