import type { JsonObject } from '@twinward/protocol'
import { apiOf, type Command, type Input, UsageError } from '../command.ts'
import {
  type EnrollmentView,
  NAME_OPTIONS,
  type ProvisioningView,
  readName,
} from '../enrollment.ts'
import { readPem } from '../read-file.ts'

export const enrollmentCreate: Command = {
  options: [
    ...NAME_OPTIONS,
    {
      flags: '--attestation <kind>',
      description: 'how devices prove themselves',
      choices: ['symmetricKey', 'x509'],
    },
    { flags: '--key <base64>', description: 'a primary key of your own, with symmetricKey' },
    {
      flags: '--certificate <file>',
      description: "PEM file, with x509: the device's certificate, of a group that of its CA",
    },
  ],
  talksTo: 'server',
  details:
    'A device needs the id scope, its registration id and a key or certificate. Of a group with keys,\n' +
    'its own key is base64 of HMAC-SHA256 over the registration id with the group’s key.',
  examples: [
    ['enrollment create --group plant --attestation symmetricKey --json', 'with keys made for it'],
    [
      'enrollment create --individual pump-1 --attestation x509 --certificate pump-1.pem',
      'one device',
    ],
  ],

  async run(input, context) {
    const { kind, id, path } = readName(input)
    const member = kind === 'group' ? 'enrollmentGroupId' : 'registrationId'
    const body = { [member]: id, attestation: readAttestation(input) }
    const api = apiOf(input, context)
    const enrollment = await api.put<EnrollmentView>(path, body)
    const { idScope, hostName } = await api.get<ProvisioningView>('/api/provisioning')
    const { out } = context
    if (out.isJson) {
      out.json({ ...enrollment, idScope, hostName })
      return
    }
    const { symmetricKey } = enrollment.attestation
    const keys = symmetricKey
      ? [`Primary key    ${symmetricKey.primaryKey}`, `Secondary key  ${symmetricKey.secondaryKey}`]
      : []
    const name = kind === 'group' ? 'Group          ' : 'Registration   '
    out.print([`${name}${id}`, `Id scope       ${idScope}`, ...keys].join('\n'))
  },
}

function readAttestation(input: Input): JsonObject {
  const type = input.text('attestation')
  const key = input.text('key')
  const file = input.text('certificate')
  if (type === undefined) throw new UsageError('--attestation is missing: symmetricKey or x509.')
  if (type === 'symmetricKey') {
    if (file !== undefined) throw new UsageError('--certificate goes with --attestation x509.')
    return { type, symmetricKey: { primaryKey: key ?? '', secondaryKey: '' } }
  }
  if (key !== undefined) throw new UsageError('--key goes with --attestation symmetricKey.')
  if (file === undefined) throw new UsageError('--attestation x509 needs --certificate.')
  const certificate = readPem(file)
  const holder = input.isSet('group') ? 'signingCertificates' : 'clientCertificates'
  return { type, x509: { [holder]: { primary: { certificate } } } }
}
