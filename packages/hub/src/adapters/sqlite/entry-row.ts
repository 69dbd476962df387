import type { Identity, JsonObject } from '@twinward/protocol'
import type { AddStatement, SqlRow, SqlValue, Statement } from '@twinward/sqlite'
import type { Entry } from '../../registry/registry.ts'
import { parseSection, sectionText } from './section-text.ts'

/** What `toEntry` reads, in this order, from `ENTRY_TABLES`. */
export const ENTRY_COLUMNS =
  'id, device_id, module_id, etag, version, identity, tags, desired, reported'
export const ENTRY_TABLES = 'entry JOIN reported USING (id)'

/** How many statements `insertStatements` makes of one entry. */
export const STATEMENTS_PER_INSERT = 2

const INSERT_ENTRY = `INSERT INTO entry
  (device_id, module_id, disabled, etag, identity, tags, desired) VALUES (?, ?, ?, ?, ?, ?, ?)`
const INSERT_REPORTED =
  'INSERT INTO reported (id, version, reported) VALUES (last_insert_rowid(), ?, ?)'

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
}

export function toEntry(row: SqlRow): ReadEntry {
  const [id, deviceId, moduleId, etag, version, ...texts] = row
  const [identity, tags, desired, reported] = texts.map(String) as [string, string, string, string]
  return {
    id: Number(id),
    entry: {
      ref: { deviceId: String(deviceId), ...(moduleId !== '' && { moduleId: String(moduleId) }) },
      identity: JSON.parse(identity) as Identity,
      twin: {
        etag: Number(etag),
        version: Number(version),
        tags: JSON.parse(tags) as JsonObject,
        desired: parseSection(desired),
        reported: parseSection(reported),
      },
    },
    lengths: {
      identity: identity.length,
      tags: tags.length,
      desired: desired.length,
      reported: reported.length,
    },
  }
}

/** @returns `STATEMENTS_PER_INSERT` statements, to be run in one unit; the first may be refused */
export function insertStatements({ ref, identity, twin }: Entry): readonly Statement[] {
  const entryParams = [
    ref.deviceId,
    ref.moduleId ?? '',
    disabledOf(identity),
    twin.etag,
    JSON.stringify(identity),
    JSON.stringify(twin.tags),
    sectionText(twin.desired),
  ]
  return [
    { sql: INSERT_ENTRY, params: entryParams },
    { sql: INSERT_REPORTED, params: [twin.version, sectionText(twin.reported)] },
  ]
}

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
    const text = sectionText(twin.reported)
    lengths.reported = text.length
    add('UPDATE reported SET version = ?, reported = ? WHERE id = ?', [twin.version, text, id])
    rows++
  } else if (twin.version !== written.twin.version) {
    add('UPDATE reported SET version = ? WHERE id = ?', [twin.version, id])
    rows++
  }
  return rows + addEntryUpdate(add, slot, next)
}

/** What devices do not write themselves. */
function addEntryUpdate(add: AddStatement, slot: Written, { identity, twin }: Entry): number {
  const { id, written, lengths } = slot
  const params: SqlValue[] = [twin.etag]
  let parts = 0
  if (twin.desired !== written.twin.desired) {
    parts |= DESIRED
    lengths.desired = pushText(params, sectionText(twin.desired))
  }
  if (twin.tags !== written.twin.tags) {
    parts |= TAGS
    lengths.tags = pushText(params, JSON.stringify(twin.tags))
  }
  if (identity !== written.identity) {
    parts |= IDENTITY
    lengths.identity = pushText(params, JSON.stringify(identity))
    params.push(disabledOf(identity))
  }
  if (parts === 0 && twin.etag === written.twin.etag) return 0
  params.push(id)
  add(UPDATES[parts] as string, params)
  return 1
}

const DESIRED = 1
const TAGS = 2
const IDENTITY = 4

/** One text per set of parts, so that each is prepared once. */
const UPDATES: readonly string[] = Array.from({ length: 8 }, (_, parts) => {
  const columns = ['etag = ?']
  if (parts & DESIRED) columns.push('desired = ?')
  if (parts & TAGS) columns.push('tags = ?')
  if (parts & IDENTITY) columns.push('identity = ?', 'disabled = ?')
  return `UPDATE entry SET ${columns.join(', ')} WHERE id = ?`
})

function pushText(params: SqlValue[], text: string): number {
  params.push(text)
  return text.length
}

function disabledOf({ status }: Identity): number {
  return status === 'disabled' ? 1 : 0
}
