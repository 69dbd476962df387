import type { JsonObject } from '@twinward/protocol'
import { apiOf, type Command } from '../command.ts'
import {
  type EnrollmentView,
  NAME_OPTIONS,
  type ProvisioningView,
  readName,
} from '../enrollment.ts'
import { formatJson } from '../output.ts'

export const enrollmentShow: Command = {
  options: [...NAME_OPTIONS, { flags: '--keys', description: 'with its symmetric keys' }],
  talksTo: 'server',
  examples: [
    ['enrollment show --group plant', 'without its keys'],
    ['enrollment show --individual pump-1 --keys --json', 'for a program'],
  ],

  async run(input, context) {
    const { path } = readName(input)
    const api = apiOf(input, context)
    const enrollment = await api.get<EnrollmentView>(path)
    const { idScope, hostName } = await api.get<ProvisioningView>('/api/provisioning')
    const shown = { ...enrollment, idScope, hostName }
    const whole = input.isSet('keys')
      ? { ...shown, attestation: await api.post<JsonObject>(`${path}/attestationmechanism`, {}) }
      : shown
    if (context.out.isJson) context.out.json(whole)
    else context.out.print(formatJson(whole))
  },
}
