import type { DeviceMemory, RecommendationCount } from '../../data/finding-store.ts'
import type { DuePlace } from '../../modules/module-store.ts'
import { NOTES, readNotes } from '../../recommendations/notes.ts'
import type { Recommendation } from '../../recommendations/recommendation.ts'

/** What is due by then among memories, which are JSON texts. */
export function dueIn(
  memories: readonly string[],
  nowMs: number,
  after: DuePlace = { deviceId: '', dueMs: 0 },
): readonly DuePlace[] {
  return memories
    .map((text) => placeOf(JSON.parse(text) as DeviceMemory))
    .filter((place) => place.dueMs > 0 && place.dueMs <= nowMs && compare(after, place) < 0)
    .sort(compare)
}

function placeOf({ deviceId, values }: DeviceMemory): DuePlace {
  return { deviceId, dueMs: readNotes(values[NOTES] as never).dueMs }
}

function compare(a: DuePlace, b: DuePlace): number {
  return a.dueMs - b.dueMs || (a.deviceId < b.deviceId ? -1 : Number(a.deviceId > b.deviceId))
}

/** In the order of types, states, severities. */
export function countRecommendations(
  all: readonly Recommendation[],
): readonly RecommendationCount[] {
  const counts = new Map<string, RecommendationCount>()
  for (const { recommendationType, state, severity } of all) {
    const key = JSON.stringify([recommendationType, state, severity])
    const count = 1 + (counts.get(key)?.count ?? 0)
    counts.set(key, { recommendationType, state, severity, count })
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count)
}
