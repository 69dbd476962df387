import type { DetailRecord } from '../../ingestion/record.ts'
import { matchCommand } from '../command-rule.ts'
import { matchConnection } from '../connection-match.ts'
import { fileFacts } from '../file-facts.ts'
import { matchRecord } from '../record-match.ts'
import type { AnalysedRecord, Match } from '../rule.ts'
import type { SigmaRule } from './sigma-rule.ts'

/** What a rule that holds for a record found: the command, file, address or name. */
export function sigmaMatch(analysed: AnalysedRecord, rule: SigmaRule): Match | undefined {
  const found = matchOf(analysed, rule.title)
  if (!found) return undefined
  const own = { 'Sigma Rule': rule.id, 'Sigma Level': rule.level }
  return { ...found, extendedProperties: { ...found.extendedProperties, ...own } }
}

function matchOf(analysed: AnalysedRecord, seen: string): Match | undefined {
  const { record } = analysed
  switch (record.kind) {
    case 'proc':
      return matchCommand(analysed, (command) => ({ seen, key: command.line || record.exe }))
    case 'conn':
      return matchConnection(record, record.remoteAddress, seen)
    case 'file': {
      const { path } = fileFacts(record as DetailRecord)
      const entities = [{ type: 'file', path }] as const
      const properties = { Path: path, Hits: String(record.hits) }
      return matchRecord(record, { key: path, seen, detail: path, entities, properties })
    }
    case 'dns': {
      const properties = { 'Query Name': record.name }
      return matchRecord(record, { key: record.name, seen, detail: record.name, properties })
    }
    default:
      return undefined
  }
}
