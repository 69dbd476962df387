import type { JsonValue } from '@twinward/protocol'
import { apiOf, type Command, UsageError } from '../command.ts'
import { readRef } from '../identity.ts'
import { printable } from '../output.ts'
import { type ConfigurationView, showConfiguration } from '../security-view.ts'

export const securityConfigSet: Command = {
  arguments: [
    { syntax: '<device>', description: 'the device' },
    { syntax: '<setting=value...>', description: 'what to change; "setting=" means its default' },
  ],
  talksTo: 'server',
  details:
    'true, false, null and numbers are taken as such, everything else as text; quote a text that\n' +
    'looks like one of them: name=\'"42"\'. All changes are made together or not at all.',
  examples: [
    ['security config set pump-1 snapshotFrequency=PT1H', 'one setting'],
    ['security config set pump-1 snapshotFrequency=', 'back to its default'],
  ],

  async run(input, context) {
    const { out } = context
    const { deviceId } = readRef(input.argument(0))
    const settings = Object.fromEntries(input.rest().map(readChange))
    const path = `/api/devices/${encodeURIComponent(deviceId)}/security/config`
    const view = await apiOf(input, context).patch<ConfigurationView>(path, { settings })
    for (const { name, reason } of view.warnings ?? []) out.note(printable(`${name}: ${reason}`))
    if (out.isJson) out.json(view)
    else showConfiguration(out, view)
  },
}

function readChange(pair: string): readonly [name: string, value: JsonValue] {
  const equals = pair.indexOf('=')
  if (equals < 1) throw new UsageError(`'${pair}': expected setting=value.`)
  return [pair.slice(0, equals), readScalar(pair.slice(equals + 1))]
}

function readScalar(text: string): JsonValue {
  if (text === '') return null
  try {
    const value = JSON.parse(text) as JsonValue
    return typeof value === 'object' && value !== null ? text : value
  } catch {
    return text
  }
}
