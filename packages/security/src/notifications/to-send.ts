import type { Delivery } from './delivery.ts'

/**
 * What is sent next of the first deliveries of each order key, in order. While the channel pauses, only
 * what belongs to a fire drill, which asks whether the channel works now. Pure.
 *
 * @param most  of those that belong to no drill; the ones of a drill go alone
 */
export function toSendNow(
  heads: readonly Delivery[],
  { nowMs, isPaused, most }: { nowMs: number; isPaused: boolean; most: number },
): readonly Delivery[] {
  const due = heads.filter(({ nextMs }) => nextMs <= nowMs)
  const drill = due.find((delivery) => delivery.drill !== undefined)
  if (drill) return [drill]
  return isPaused ? [] : due.slice(0, most)
}
