import { type CaCertificate, caPath, describeCa, withoutContent } from '../ca-certificate.ts'
import { apiOf, type Command } from '../command.ts'
import { readPem } from '../read-file.ts'

export const caVerify: Command = {
  arguments: [
    { syntax: '<name>', description: 'the registered CA' },
    { syntax: '<file>', description: 'PEM file with a certificate that proves possession' },
  ],
  talksTo: 'server',
  details:
    'The common name of the certificate is the verification code that `ca add --unverified` printed, ' +
    'and the CA has signed it.',
  examples: [['ca verify factory proof.pem', 'trust the devices of this CA from now on']],

  async run(input, context) {
    const name = input.argument(0)
    const certificate = readPem(input.argument(1))
    const path = `${caPath(name)}/verify`
    const verified = await apiOf(input, context).post<CaCertificate>(path, { certificate })
    if (context.out.isJson) context.out.json(withoutContent(verified))
    else context.out.print(describeCa(verified))
  },
}
