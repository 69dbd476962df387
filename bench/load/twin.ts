import { encodePublish } from './packets.ts'

/** What a twin holds that is read: ten properties on each side, about 700 bytes together. */
export const fillingReported = properties('reading', (index) => 20 + index / 2)
export const fillingDesired = properties('setting', (index) => 100_000 + index)

/** Bytes of the packet with which such a twin is answered to its device, as IoT Hub writes it. */
export function answerBytes(): number {
  const desired = { ...fillingDesired, $version: 2 }
  const reported = { ...fillingReported, $version: 2 }
  const body = JSON.stringify({ desired, reported })
  return encodePublish({ topic: '$iothub/twin/res/200/?$rid=10', body }).length
}

/** What the service reads is about three times as long: every property has its metadata. */
export const SERVICE_ANSWER_BYTES = 2_800

function properties(
  name: string,
  valueAt: (index: number) => number,
): Readonly<Record<string, number | string>> {
  const entries = Array.from({ length: 10 }, (_, index) => [
    `${name}Number${index}`,
    index % 2 === 0 ? valueAt(index) : `text of ${name} ${index}`,
  ])
  return Object.fromEntries(entries)
}
