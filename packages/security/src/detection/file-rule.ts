import { isWithinWindow } from '../groups/windows.ts'
import type { DetailRecord } from '../ingestion/record.ts'
import { ofRecord } from './explain/conditions.ts'
import { type FileFacts, fileFacts } from './file-facts.ts'
import { matchRecord } from './record-match.ts'
import type { AlertType, Rule } from './rule.ts'

/**
 * A rule on what happens to files of watched directories; one alert per directory, since the agent
 * watches what the operator named and a change seldom comes alone. None while an update window of
 * the security group is open.
 */
export function fileRule(
  type: AlertType,
  seen: string,
  isMeant: (facts: FileFacts) => boolean,
): Rule {
  return {
    type,
    kinds: ['file'],
    conditions: ofRecord<DetailRecord>(
      ['file'],
      [
        ['the event names a file', (record) => fileFacts(record).path !== ''],
        [seen, (record) => isMeant(fileFacts(record))],
      ],
      'no update window of the security group is open',
    ),
    evaluate({ record }, _memory, { updateWindows }) {
      if (record.kind !== 'file') return undefined
      const facts = fileFacts(record as DetailRecord)
      if (facts.path === '' || !isMeant(facts)) return undefined
      if (isWithinWindow(updateWindows, record.header.timeMs)) return undefined
      const directory = facts.path.slice(0, Math.max(facts.path.lastIndexOf('/'), 1))
      return matchRecord(record, {
        key: directory,
        seen,
        detail: facts.path,
        entities: [{ type: 'file', path: facts.path, directory }],
        properties: { Path: facts.path, Directory: directory, Hits: String(record.hits) },
      })
    },
  }
}
