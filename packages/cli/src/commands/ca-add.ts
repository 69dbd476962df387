import { type Command, CommandError } from '../command.ts'

export const caAdd: Command = {
  arguments: [{ syntax: '<file>', description: 'PEM file with the CA certificate' }],
  talksTo: 'server',
  details:
    'This version does not serve X.509 CAs yet: devices use keys or --auth x509 thumbprints.',
  examples: [['ca add factory-ca.pem', 'trust the devices of this CA']],

  async run() {
    throw new CommandError(
      'X.509 CAs are not served by this version yet. Use `device create --auth x509 ' +
        '--primary-thumbprint …`, or keys.',
    )
  },
}
