/** A record, as far as its place in the order of removal goes. */
export interface RecordSize {
  readonly sequence: number
  readonly enqueuedTimeMs: number
  readonly bytes: number
}

/** Records of one partition in order; more may follow when `hasMore`. */
export interface PartitionSizes {
  readonly partition: number
  readonly records: readonly RecordSize[]
  readonly hasMore: boolean
}

/** What goes of a partition: its records up to and including `through`. */
export interface Removal {
  readonly partition: number
  readonly through: number
  readonly count: number
  readonly bytes: number
}

/**
 * The oldest records of all partitions that together take at least `bytes`; fewer when it is not known
 * what follows in a partition. Each partition loses only its beginning, so that order stays.
 */
export function oldestRecords(
  partitions: readonly PartitionSizes[],
  bytes: number,
): readonly Removal[] {
  const taken = partitions.map(() => 0)
  let left = bytes
  while (left > 0) {
    const oldest = findOldest(partitions, taken)
    if (oldest === undefined) break
    const at = taken[oldest] as number
    taken[oldest] = at + 1
    left -= partitions[oldest]?.records[at]?.bytes ?? 0
  }
  return partitions.flatMap(({ partition, records }, at) => {
    const gone = records.slice(0, taken[at])
    const last = gone.at(-1)
    if (!last) return []
    const sum = gone.reduce((total, record) => total + record.bytes, 0)
    return [{ partition, through: last.sequence, count: gone.length, bytes: sum }]
  })
}

/** The partition whose next record is the oldest; none when one ends whose next is not known. */
function findOldest(
  partitions: readonly PartitionSizes[],
  taken: readonly number[],
): number | undefined {
  let oldest: number | undefined
  let oldestMs = Number.POSITIVE_INFINITY
  for (const [at, { records, hasMore }] of partitions.entries()) {
    const next = records[taken[at] as number]
    if (!next && hasMore) return undefined
    if (next && next.enqueuedTimeMs < oldestMs) {
      oldest = at
      oldestMs = next.enqueuedTimeMs
    }
  }
  return oldest
}
