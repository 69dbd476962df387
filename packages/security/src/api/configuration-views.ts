import type { Layer, StoredHistoryEntry } from '../configuration/configuration-store.ts'
import type { LayerState } from '../configuration/shared-settings.ts'
import type { Page } from '../data/finding-store.ts'
import { formatTime } from './query.ts'

/** Settings of the hub or of a group, by the agents that understand their names. */
export function layerView({ layer, rollout, warnings }: LayerState): object {
  return {
    ...layerSummary(layer),
    settings: { legacy: layer.legacy, micro: layer.micro },
    // Whether every device has what its layers say; the next change begins anew.
    rollout: { isDone: rollout.isDone, after: rollout.after },
    ...(warnings && { warnings }),
  }
}

export function layerSummary({ group, version, changedMs, by }: Layer): object {
  return {
    layer: group === null ? 'hub' : 'group',
    ...(group !== null && { group }),
    version,
    changedUtc: formatTime(changedMs),
    changedBy: by,
  }
}

export function historyView({ items, continuationToken }: Page<StoredHistoryEntry>): object {
  return { items: items.map(entryView), continuationToken }
}

function entryView(entry: StoredHistoryEntry): object {
  const { id, timeMs, layer, group, deviceId, moduleId, by, changes } = entry
  return { id, timeUtc: formatTime(timeMs), layer, group, deviceId, moduleId, by, changes }
}
