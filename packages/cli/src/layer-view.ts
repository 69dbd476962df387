import type { JsonObject } from '@twinward/protocol'
import { formatFields, formatTime, type Output } from './output.ts'
import { inWords, noteRemark, type Remark } from './security-view.ts'

export const HUB_LAYER_PATH = '/api/security/config'

/** Settings that devices inherit from the hub or a group, as the security API shows them. */
export interface LayerView extends LayerSummary {
  readonly settings: { readonly legacy: JsonObject; readonly micro: JsonObject }
  readonly rollout: { readonly isDone: boolean }
  /** After a change only. */
  readonly warnings?: readonly Remark[]
}

export interface LayerSummary {
  readonly group?: string
  readonly version: number
  readonly changedUtc: string | null
  readonly changedBy: string
}

export function groupLayerPath(group: string): string {
  return `/api/security/groups/${encodeURIComponent(group)}/config`
}

export function showLayer(out: Output, view: LayerView): void {
  const { settings, group, rollout, version } = view
  out.print(
    formatFields([
      ['Layer', group === undefined ? 'hub' : `group ${group}`],
      ['Version', version === 0 ? 'never changed' : String(version)],
      ['Changed', version === 0 ? undefined : formatTime(view.changedUtc)],
      ['By', view.changedBy],
      ['Devices', rollout.isDone ? 'all have what their layers say' : 'are being given changes'],
    ]),
  )
  const rows = Object.entries({ ...settings.legacy, ...settings.micro }).map(([name, value]) => [
    name,
    inWords(value),
    Object.hasOwn(settings.micro, name) ? 'micro' : 'legacy',
  ])
  out.print(`\nSettings${rows.length === 0 ? ': none' : ''}`)
  if (rows.length > 0) out.table(['SETTING', 'VALUE', 'AGENTS'], rows)
  for (const remark of view.warnings ?? []) noteRemark(out, remark)
}
