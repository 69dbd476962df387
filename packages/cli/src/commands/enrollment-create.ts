import type { JsonObject } from '@twinward/protocol'
import { ApiError } from '../api-error.ts'
import { apiOf, type Command, CommandError, type Input, UsageError } from '../command.ts'
import { formatJson } from '../output.ts'
import { readPem } from '../read-file.ts'

export const enrollmentCreate: Command = {
  options: [
    { flags: '--individual <id>', description: 'one device, by its registration id' },
    { flags: '--group <id>', description: 'every device with a key or certificate of this group' },
    {
      flags: '--attestation <kind>',
      description: 'how devices prove themselves',
      choices: ['symmetricKey', 'x509'],
    },
    { flags: '--key <base64>', description: 'a primary key of your own, with symmetricKey' },
    { flags: '--certificate <file>', description: 'PEM file, with x509' },
  ],
  talksTo: 'server',
  examples: [
    ['enrollment create --group plant --attestation symmetricKey --json', 'with keys made for it'],
    [
      'enrollment create --individual pump-1 --attestation x509 --certificate pump-1.pem',
      'one device',
    ],
  ],

  async run(input, context) {
    const { path, body } = readEnrollment(input)
    const enrollment = await create(() => apiOf(input, context).put<JsonObject>(path, body))
    if (context.out.isJson) context.out.json(enrollment)
    else context.out.print(formatJson(enrollment))
  },
}

/** A server without a provisioning service does not know the route at all. */
async function create(call: () => Promise<JsonObject>): Promise<JsonObject> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      throw new CommandError('This server version does not serve enrolments yet (NotImplemented).')
    }
    throw error
  }
}

function readEnrollment(input: Input): { readonly path: string; readonly body: JsonObject } {
  const individual = input.text('individual')
  const group = input.text('group')
  if ((individual === undefined) === (group === undefined)) {
    throw new UsageError('Give one of --individual and --group.')
  }
  const attestation = readAttestation(input)
  if (individual !== undefined) {
    const path = `/enrollments/${encodeURIComponent(individual)}`
    return { path, body: { registrationId: individual, attestation } }
  }
  const enrollmentGroupId = group ?? ''
  const path = `/enrollmentGroups/${encodeURIComponent(enrollmentGroupId)}`
  return { path, body: { enrollmentGroupId, attestation } }
}

function readAttestation(input: Input): JsonObject {
  const type = input.text('attestation')
  const key = input.text('key')
  const file = input.text('certificate')
  if (type === undefined) throw new UsageError('--attestation is missing: symmetricKey or x509.')
  if (type === 'symmetricKey') {
    if (file !== undefined) throw new UsageError('--certificate goes with --attestation x509.')
    return { type, symmetricKey: { primaryKey: key ?? '', secondaryKey: key ?? '' } }
  }
  if (key !== undefined) throw new UsageError('--key goes with --attestation symmetricKey.')
  if (file === undefined) throw new UsageError('--attestation x509 needs --certificate.')
  const certificate = readPem(file)
  const holder = input.isSet('group') ? 'signingCertificates' : 'clientCertificates'
  return { type, x509: { [holder]: { primary: { certificate } } } }
}
