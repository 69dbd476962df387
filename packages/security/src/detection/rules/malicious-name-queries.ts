import type { ConnectionRecord, DnsRecord, SecurityRecord } from '../../ingestion/record.ts'
import { ofRecord } from '../explain/conditions.ts'
import type { IndicatorLookup } from '../indicators/lookup.ts'
import { matchRecord } from '../record-match.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 39,
  alertType: 'IoT_MaliciousNameQueriesDetection',
  displayName: 'Malicious domain name request',
  severity: 'Medium',
  intent: 'CommandAndControl',
  description:
    'The device asks for the address of a name that is on your list of malicious domains. Malware ' +
    'finds its operators by such names.',
  remediationSteps: [
    'Read on this alert which entry of which list it was, and whether the entry is still right.',
    'Disconnect the device from the network when nothing on it has a reason to know this name.',
    'Find the program that asked: connections and processes of the same minute.',
    'Block the name at your resolver, look for other devices that asked, and start your ' +
      'incident response.',
  ],
  techniques: ['T1071.004', 'T1568'],
}

/** Names asked for, or connected to, that are listed or lie below a listed domain. */
export function maliciousNameQueries(lists: IndicatorLookup): Rule {
  return {
    type,
    kinds: ['dns', 'conn'],
    conditions: ofRecord<DnsRecord | ConnectionRecord>(
      ['dns', 'conn'],
      [['the agent tells a name', (record) => nameIn(record) !== '']],
      'the name, or a domain above it, is on a list with enough confidence',
    ),
    evaluate({ record }) {
      const name = nameIn(record)
      const listed = name === '' ? undefined : lists.domain(name, record.header.timeMs)
      if (!listed) return undefined
      const { value, source, severity } = listed
      return matchRecord(record, {
        key: name.toLowerCase(),
        seen: `${value} is on the list ${source}`,
        detail: name,
        entities: [{ type: 'host', hostName: name }],
        properties: { 'Domain Name': name, List: source },
        ...(severity && { severity }),
      })
    },
  }
}

function nameIn(record: SecurityRecord): string {
  return record.kind === 'dns' ? record.name : record.kind === 'conn' ? (record.host ?? '') : ''
}
