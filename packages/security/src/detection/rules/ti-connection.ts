import type { ConnectionRecord } from '../../ingestion/record.ts'
import { matchConnection } from '../connection-match.ts'
import { ofConnection } from '../explain/conditions.ts'
import type { IndicatorLookup } from '../indicators/lookup.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 38,
  alertType: 'IoT_TiConnection',
  displayName: 'Suspicious IP address communication',
  severity: 'Medium',
  intent: 'CommandAndControl',
  description:
    'The device talks with an address that is on your list of malicious ones. It may take orders ' +
    'from there, send data there, or have been found by a scanner.',
  remediationSteps: [
    'Read on this alert which entry of which list it was, and whether the entry is still right.',
    'Find the program behind the connection and check whether it has a reason to talk there.',
    'If it has none, block the address at your gateway and look for other devices that talk to it.',
    'Look at what the device ran since the first connection, and hand over to your security team.',
  ],
  techniques: ['T1071'],
}

/** Connections to listed addresses; inbound ones once something was received. */
export function tiConnection(lists: IndicatorLookup): Rule {
  return {
    type,
    kinds: ['conn'],
    conditions: ofConnection(
      [['it does not come in, or something was received', (record) => !isKnock(record)]],
      'its address is on a list with enough confidence',
    ),
    evaluate({ record }) {
      if (record.kind !== 'conn') return undefined
      if (isKnock(record)) return undefined
      const { remoteAddress, header } = record
      const listed = lists.address(remoteAddress, header.timeMs)
      if (!listed) return undefined
      const { value, source, severity } = listed
      return {
        ...matchConnection(record, remoteAddress, `${value} is on the list ${source}`),
        ...(severity && { severity }),
      }
    },
  }
}

/** A knock that was not answered is no communication. */
function isKnock({ direction, bytesIn }: ConnectionRecord): boolean {
  return direction === 'in' && bytesIn === 0
}
