import { type Command, CommandError, type Context, type Input, UsageError } from '../command.ts'
import type { EnrolledView } from '../enroll-token.ts'
import { openPrivateFile } from '../private-file.ts'
import { collect, readPem } from '../read-file.ts'
import { anonymousTarget } from '../target.ts'

const DEFAULT_FILE = 'connection_string.txt'
const MAX_TOKEN_BYTES = 1024

export const securityEnroll: Command = {
  options: [
    { flags: '--url <url>', description: 'the server, such as https://hub.example.net' },
    {
      flags: '--token <token>',
      description: 'the token',
      defaultText: 'the first line of standard input',
    },
    {
      flags: '--ca <file>',
      description: 'PEM file with the CA of the server',
      defaultText: 'the CAs of Node and NODE_EXTRA_CA_CERTS',
    },
    {
      flags: '--output <file>',
      description: 'where the connection string goes; nobody but its owner can read it',
      defaultText: DEFAULT_FILE,
    },
    { flags: '--ca-output <file>', description: 'where the CA certificate of the server goes' },
  ],
  details:
    'Needs no login: the token is the permit, and is used up by this. If anything goes wrong after\n' +
    'the server has answered, another token is needed. A token on the command line can be seen by\n' +
    'other users of this machine; standard input cannot.',
  examples: [
    ['security enroll --url https://hub.example.net < token.txt', 'the token from a file'],
    [
      'security enroll --url https://hub:8443 --token twenroll1.… --output /etc/agent/connection_string.txt',
      'to where the agent reads it',
    ],
  ],

  async run(input, context) {
    const url = input.text('url')
    if (url === undefined) throw new UsageError('--url is missing.')
    const ca = input.text('ca')
    const target = anonymousTarget(url, ca === undefined ? undefined : readPem(ca))
    const token = await readToken(input, context)
    const file = input.text('output') ?? DEFAULT_FILE
    // Opened before the token is spent: a folder that takes no file must not cost it.
    const output = openPrivateFile(file)
    try {
      const api = context.connect(target)
      const enrolled = await api.post<EnrolledView>('/api/security/enroll', { token })
      output.write(`${enrolled.connectionString}\n`)
      writeCa(input, enrolled)
      show(context, enrolled, file)
    } finally {
      output.close()
    }
  },
}

async function readToken(input: Input, { stdin }: Context): Promise<string> {
  const given = input.text('token')
  if (given !== undefined) return given
  const text = (await collect(stdin, MAX_TOKEN_BYTES, 'Standard input')).toString()
  const [line = ''] = text.split('\n')
  if (line.trim() === '') throw new UsageError('Give the token by --token or on standard input.')
  return line.trim()
}

function writeCa(input: Input, { caCertificate }: EnrolledView): void {
  const file = input.text('caOutput')
  if (file === undefined) return
  if (caCertificate === undefined) {
    throw new CommandError(
      `The connection string is written, but not ${file}: the server's certificate is not of a CA of its own.`,
    )
  }
  const output = openPrivateFile(file, 0o644)
  try {
    output.write(caCertificate)
  } finally {
    output.close()
  }
}

function show({ out }: Context, { deviceId, moduleId }: EnrolledView, file: string): void {
  if (out.isJson) out.json({ deviceId, moduleId, file })
  else out.note(`The connection string of ${deviceId}/${moduleId} is in ${file}.`)
}
