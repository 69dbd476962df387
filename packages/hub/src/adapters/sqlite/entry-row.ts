import type { Identity, JsonObject } from '@twinward/protocol'
import type { AddStatement, SqlRow, SqlValue, Statement } from '@twinward/sqlite'
import type { Configured, Entry } from '../../registry/registry.ts'
import { parseSection, sectionTexts } from './section-text.ts'

/** A column of `entry`: 1 while a session of the identity is open (schema/query.ts). */
export const IS_CONNECTED = `EXISTS (SELECT 1 FROM connection
  WHERE connection.is_module = (module_id <> '') AND connection.id = entry.id)`

/** What `toEntry` reads, in this order, from `ENTRY_TABLES`. */
export const ENTRY_COLUMNS = `id, device_id, module_id, etag, version, identity, tags,
  desired, desired_stamp, reported, stamp, configurations, configured, ${IS_CONNECTED}`
export const ENTRY_TABLES = 'entry JOIN reported USING (id)'

/** How many statements `insertStatements` makes of one entry. */
export const STATEMENTS_PER_INSERT = 2

const INSERT_ENTRY = `INSERT INTO entry
  (device_id, module_id, disabled, etag, identity, tags, desired, desired_stamp,
   configurations, configured)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
const INSERT_REPORTED =
  'INSERT INTO reported (id, version, reported, stamp) VALUES (last_insert_rowid(), ?, ?, ?)'
const CONNECT = 'INSERT INTO connection (is_module, id) VALUES (?, ?)'
const DISCONNECT = 'DELETE FROM connection WHERE is_module = ? AND id = ?'

/** An entry as it was read: its row's id and how long its texts are, which its cache counts. */
export interface ReadEntry {
  readonly id: number
  readonly entry: Entry
  readonly lengths: TextLengths
}

/** Code units of the JSON texts. */
export interface TextLengths {
  identity: number
  tags: number
  desired: number
  reported: number
  configured: number
}

export function toEntry(row: SqlRow): ReadEntry {
  const [id, deviceId, moduleId, etag, version, ...texts] = row
  const [identity = '', tags = '', desired = '', desiredStamp = '', reported = '', stamp = ''] =
    texts.map(String)
  const [statuses = null, record = null, isConnected] = texts.slice(-3)
  const connected = isConnected === 1
  return {
    id: Number(id),
    entry: {
      ref: { deviceId: String(deviceId), ...(moduleId !== '' && { moduleId: String(moduleId) }) },
      identity: { ...(JSON.parse(identity) as Identity), ...(connected && { connected }) },
      twin: {
        etag: Number(etag),
        version: Number(version),
        tags: JSON.parse(tags) as JsonObject,
        desired: parseSection(desired, desiredStamp),
        reported: parseSection(reported, stamp),
      },
      ...(statuses !== null && { configured: parseConfigured(String(statuses), String(record)) }),
    },
    lengths: {
      identity: identity.length,
      tags: tags.length,
      desired: desired.length + desiredStamp.length,
      reported: reported.length + stamp.length,
      configured: statuses === null ? 0 : String(statuses).length + String(record).length,
    },
  }
}

/** What queries look into has a column of its own. */
function parseConfigured(statuses: string, record: string): Configured {
  const { paths, version } = JSON.parse(record) as Omit<Configured, 'statuses'>
  return { statuses: JSON.parse(statuses) as Configured['statuses'], paths, version }
}

function configuredTexts(configured: Configured | undefined): readonly [SqlValue, SqlValue] {
  if (!configured) return [null, null]
  const { statuses, paths, version } = configured
  return [JSON.stringify(statuses), JSON.stringify({ paths, version })]
}

/** @returns `STATEMENTS_PER_INSERT` statements, to be run in one unit; the first may be refused */
export function insertStatements(entry: Entry): readonly Statement[] {
  const { ref, identity, twin, configured } = entry
  const desired = sectionTexts(twin.desired)
  const reported = sectionTexts(twin.reported)
  const entryParams = [
    ref.deviceId,
    ref.moduleId ?? '',
    disabledOf(identity),
    twin.etag,
    identityText(identity),
    JSON.stringify(twin.tags),
    desired.values,
    desired.stamp,
    ...configuredTexts(configured),
  ]
  return [
    { sql: INSERT_ENTRY, params: entryParams },
    { sql: INSERT_REPORTED, params: [twin.version, reported.values, reported.stamp] },
  ]
}

const UPDATE_REPORTED = 'UPDATE reported SET version = ?, reported = ?, stamp = ? WHERE id = ?'

interface Written {
  readonly id: number
  readonly written: Entry
  readonly lengths: TextLengths
}

/**
 * Updates the rows of an entry with the parts of `next` that are other objects than in `written`.
 *
 * @returns how many rows that changes
 */
export function addUpdate(add: AddStatement, slot: Written, next: Entry): number {
  const { id, written, lengths } = slot
  const { twin } = next
  let rows = 0
  if (twin.reported !== written.twin.reported) {
    const { values, stamp } = sectionTexts(twin.reported)
    lengths.reported = values.length + stamp.length
    add(UPDATE_REPORTED, [twin.version, values, stamp, id])
    rows++
  } else if (twin.version !== written.twin.version) {
    add('UPDATE reported SET version = ? WHERE id = ?', [twin.version, id])
    rows++
  }
  return rows + addConnection(add, slot, next) + addEntryUpdate(add, slot, next)
}

/** Whether somebody is connected has rows of its own: narrow, indexed, and none after a crash. */
function addConnection(add: AddStatement, { id, written }: Written, { identity }: Entry): number {
  const isConnected = identity.connected === true
  if (isConnected === (written.identity.connected === true)) return 0
  const isModule = written.ref.moduleId === undefined ? 0 : 1
  add(isConnected ? CONNECT : DISCONNECT, [isModule, id])
  return 1
}

/** What devices do not write themselves. */
function addEntryUpdate(add: AddStatement, slot: Written, next: Entry): number {
  const { id, written, lengths } = slot
  const { identity, twin, configured } = next
  const params: SqlValue[] = [twin.etag]
  let parts = 0
  if (twin.desired !== written.twin.desired) {
    parts |= DESIRED
    const { values, stamp } = sectionTexts(twin.desired)
    lengths.desired = pushText(params, values) + pushText(params, stamp)
  }
  if (twin.tags !== written.twin.tags) {
    parts |= TAGS
    lengths.tags = pushText(params, JSON.stringify(twin.tags))
  }
  if (identity !== written.identity) {
    parts |= IDENTITY
    lengths.identity = pushText(params, identityText(identity))
    params.push(disabledOf(identity))
  }
  if (configured !== written.configured) {
    parts |= CONFIGURED
    const texts = configuredTexts(configured)
    lengths.configured = String(texts[0] ?? '').length + String(texts[1] ?? '').length
    params.push(...texts)
  }
  if (parts === 0 && twin.etag === written.twin.etag) return 0
  params.push(id)
  add(UPDATES[parts] as string, params)
  return 1
}

const DESIRED = 1
const TAGS = 2
const IDENTITY = 4
const CONFIGURED = 8

/** One text per set of parts, so that each is prepared once. */
const UPDATES: readonly string[] = Array.from({ length: 16 }, (_, parts) => {
  const columns = ['etag = ?']
  if (parts & DESIRED) columns.push('desired = ?', 'desired_stamp = ?')
  if (parts & TAGS) columns.push('tags = ?')
  if (parts & IDENTITY) columns.push('identity = ?', 'disabled = ?')
  if (parts & CONFIGURED) columns.push('configurations = ?', 'configured = ?')
  return `UPDATE entry SET ${columns.join(', ')} WHERE id = ?`
})

function pushText(params: SqlValue[], text: string): number {
  params.push(text)
  return text.length
}

/** Without `connected`, which has a row of its own. */
function identityText(identity: Identity): string {
  const { connected: _, ...kept } = identity
  return JSON.stringify(kept)
}

function disabledOf({ status }: Identity): number {
  return status === 'disabled' ? 1 : 0
}
