import type { DeviceRef, JsonObject } from '@twinward/protocol'
import { formatIdentityEtag, formatTwinEtag } from '../twins/etag.ts'
import { authenticationView } from './authentication-view.ts'
import type { Identities } from './identities.ts'
import type { Entry } from './registry.ts'

/** Entries that are read and turned into text in one go: patches do not wait longer than for these. */
const PAGE_ENTRIES = 50

/** First line of an export without keys, in plain text as IoT Hub's (01 §7). */
const KEYS_EXCLUDED =
  'Keys are excluded from this export: identities that are created from it get new ones.\n'

/** A piece of an export. */
export interface ExportPage {
  /** Whole lines. */
  readonly text: string
  /** Identities in them. */
  readonly identities: number
}

/**
 * Every identity with its twin as a line of JSON, a device before its modules, page by page. A line
 * is as its identity was at some moment of the export; what is created meanwhile may be missing.
 *
 * @param signal  ends it with the signal's reason
 */
export async function* exportPages(
  identities: Identities,
  { excludeKeys = false, signal }: { excludeKeys?: boolean; signal?: AbortSignal } = {},
): AsyncGenerator<ExportPage> {
  if (excludeKeys) yield { text: KEYS_EXCLUDED, identities: 0 }
  let after: DeviceRef | undefined
  for (;;) {
    signal?.throwIfAborted()
    const entries = await identities.listEntries(PAGE_ENTRIES, after)
    after = entries.at(-1)?.ref
    if (!after) return
    let text = ''
    for (const entry of entries) text += `${JSON.stringify(exportEntry(entry, excludeKeys))}\n`
    yield { text, identities: entries.length }
  }
}

/** An entry of `import-entry.ts`, without a mode: importing it creates or updates (01 §5). */
function exportEntry({ ref, identity, twin }: Entry, excludeKeys: boolean): JsonObject {
  const isModule = ref.moduleId !== undefined
  return {
    id: ref.deviceId,
    ...(isModule && { moduleId: ref.moduleId, managedBy: identity.managedBy }),
    eTag: formatIdentityEtag(identity.etag),
    // Modules have none, but IoT Hub imports no line without it.
    status: identity.status,
    ...(!isModule && {
      statusReason: identity.statusReason,
      capabilities: { iotEdge: identity.iotEdge },
      ...(identity.deviceScope !== undefined && { deviceScope: identity.deviceScope }),
      ...(identity.parentScopes && { parentScopes: identity.parentScopes }),
    }),
    authentication: authenticationView(identity.authentication, !excludeKeys),
    twinETag: formatTwinEtag(twin.etag),
    tags: twin.tags,
    properties: {
      desired: { ...twin.desired.values, $version: twin.desired.version },
      reported: { ...twin.reported.values, $version: twin.reported.version },
    },
  }
}
