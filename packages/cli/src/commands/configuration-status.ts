import { refKey } from '@twinward/protocol'
import { pathOf } from '../api-client.ts'
import { apiOf, type Command } from '../command.ts'
import { readRef } from '../identity.ts'

interface TwinConfigurations {
  readonly configurations: readonly { id: string; status: string; error?: string }[]
  readonly properties: readonly { path: string; configuration: string }[]
  readonly pending: readonly { path: string }[]
}

export const configurationStatus: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  options: [{ flags: '--module <id>', description: 'the twin of this module' }],
  talksTo: 'server',
  details:
    'Which configurations a twin is a target of, and which desired property comes from which.',
  examples: [
    ['configuration status pump-1', 'of a device'],
    ['configuration status pump-1 --module azureiotsecurity', 'of its security module'],
  ],

  async run(input, context) {
    const ref = readRef(input.argument(0), input.text('module'))
    const path = `${pathOf(ref, '/api/devices')}/configurations`
    const found = await apiOf(input, context).get<TwinConfigurations>(path)
    const { out } = context
    if (out.isJson) {
      out.json(found)
      return
    }
    if (found.configurations.length === 0) {
      out.note(`${refKey(ref)} is the target of no configuration.`)
      return
    }
    out.table(
      ['CONFIGURATION', 'STATUS', 'WHY'],
      found.configurations.map(({ id, status, error = '' }) => [id, status, error]),
    )
    if (found.properties.length > 0) {
      out.print('')
      out.table(
        ['DESIRED PROPERTY', 'SET BY'],
        found.properties.map(({ path: property, configuration }) => [property, configuration]),
      )
    }
    const { length } = found.pending
    if (length > 0)
      out.note(`${length} ${length === 1 ? 'property is' : 'properties are'} not set yet.`)
  },
}
