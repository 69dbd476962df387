import { pathOf } from '../api-client.ts'
import { apiOf, type Command, nextCommand, quoted } from '../command.ts'
import { type Identity, readRef, withoutKeys } from '../identity.ts'
import { formatTime } from '../output.ts'

export const moduleList: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  talksTo: 'server',
  examples: [['module list pump-1', 'all modules of pump-1']],

  async run(input, context) {
    const { out } = context
    const ref = readRef(input.argument(0))
    const path = `${pathOf(ref)}/modules`
    const modules = await apiOf(input, context).get<readonly Identity[]>(path)
    if (out.isJson) out.json(modules.map(withoutKeys))
    else if (modules.length === 0) {
      const next = nextCommand(input, context, `module create ${quoted(ref.deviceId)} ID`)
      out.note(`No modules yet. Create one: ${next}`)
    } else {
      out.table(
        ['MODULE', 'CONNECTION', 'LAST ACTIVITY', 'AUTHENTICATION', 'MANAGED BY'],
        modules.map((module) => [
          module.moduleId ?? '',
          module.connectionState,
          formatTime(module.lastActivityTime),
          module.authentication.type,
          module.managedBy ?? '',
        ]),
      )
    }
  },
}
