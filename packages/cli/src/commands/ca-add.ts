import { basename, extname } from 'node:path'
import { type CaCertificate, caPath, describeCa, withoutContent } from '../ca-certificate.ts'
import { apiOf, type Command, type Context, type Input, nextCommand, quoted } from '../command.ts'
import { readPem } from '../read-file.ts'

export const caAdd: Command = {
  arguments: [{ syntax: '<file>', description: 'PEM file with the CA certificate' }],
  options: [
    {
      flags: '--name <name>',
      description: 'what the CA is called here',
      defaultText: "the file's name",
    },
    {
      flags: '--unverified',
      description: 'devices are trusted only after a proof of possession (twinward ca verify)',
    },
  ],
  talksTo: 'server',
  details:
    'Devices with --auth x509-ca connect with a certificate that this CA issued to them: its common ' +
    'name is the device id, of a module DEVICE/MODULE.',
  examples: [
    ['ca add factory-ca.pem', 'trust the devices of this CA'],
    ['ca add factory-ca.pem --name factory --unverified', 'after a proof of possession'],
  ],

  async run(input, context) {
    const file = input.argument(0)
    const name = input.text('name') ?? nameOf(file)
    const isVerified = !input.isSet('unverified')
    const api = apiOf(input, context)
    const properties = { certificate: readPem(file), isVerified }
    const added = await api.put<CaCertificate>(caPath(name), { properties })
    const asked = isVerified
      ? added
      : await api.post<CaCertificate>(`${caPath(name)}/generateVerificationCode`, {})
    const { out } = context
    if (out.isJson) out.json(withoutContent(asked))
    else {
      out.print(describeCa(asked))
      if (!isVerified) out.print(`\n${whatToDo(input, context, asked)}`)
    }
  },
}

function whatToDo(input: Input, context: Context, { name, properties }: CaCertificate): string {
  const next = nextCommand(input, context, `ca verify ${quoted(name)} FILE`)
  return (
    'Let the CA issue a certificate whose common name is the verification code:\n\n' +
    `  CN=${properties.verificationCode}\n\nThen: ${next}`
  )
}

/** `factory ca.pem` → `factory-ca`. */
function nameOf(file: string): string {
  const bare = basename(file, extname(file)).replace(/[^A-Za-z0-9\-._]+/g, '-')
  return bare.replace(/^[^A-Za-z0-9]+/, '').slice(0, 64) || 'ca'
}
