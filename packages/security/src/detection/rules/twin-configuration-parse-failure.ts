import { isJsonObject, type JsonObject } from '@twinward/protocol'
import type { AgentRecord } from '../../ingestion/record.ts'
import { ofRecord } from '../explain/conditions.ts'
import { matchRecord } from '../record-match.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 40,
  // Its type was never published; this name is ours.
  alertType: 'IoT_TwinConfigurationParseFailure',
  displayName: 'Agent failed to parse the module twin configuration',
  severity: 'Medium',
  intent: 'Unknown',
  description:
    'The security agent could not read its configuration in the security module twin: a value is ' +
    'of the wrong type. The agent goes on with the configuration that it had before.',
  remediationSteps: [
    'Look at the configuration of this device and at the message of the agent for the setting meant.',
    'Set it again through the security API or the command line, which check every value.',
    'Watch that the agent reports the new configuration; then resolve the alert.',
  ],
  techniques: ['T1562.001'],
}

/** The agent says that it cannot read the configuration that it was given. */
export const twinConfigurationParseFailure: Rule = {
  type,
  kinds: ['agent'],
  conditions: ofRecord<AgentRecord>(
    ['agent'],
    [['the agent reports an error of its configuration', ({ type }) => type === 'configError']],
    'the type of a value of the whole configuration is wrong',
  ),
  evaluate({ record }) {
    if (record.kind !== 'agent' || record.type !== 'configError') return undefined
    const error = record.payload.find(isParseFailure)
    if (!error || !isJsonObject(error)) return undefined
    const { ConfigurationName, Message } = error
    return matchRecord(record, {
      key: '',
      seen: 'the agent could not read its configuration',
      detail: String(Message ?? ''),
      properties: {
        'Configuration Name': String(ConfigurationName ?? ''),
        Message: String(Message ?? ''),
      },
    })
  },
}

/** The legacy agents call the whole configuration by these names when they cannot read it. */
const WHOLE: ReadonlySet<string> = new Set(['TwinConfiguration', 'RemoteConfiguration'])

function isParseFailure({ ErrorType, ConfigurationName }: JsonObject): boolean {
  return ErrorType === 'TypeMismatch' && WHOLE.has(String(ConfigurationName))
}
