import { readFileSync } from 'node:fs'
import { SECURITY_CONSUMER_GROUP } from '@twinward/protocol'
import type { ReadyInfo, RunningServer } from '@twinward/server'
import {
  type Command,
  CommandError,
  type Context,
  type Input,
  quoted,
  UsageError,
} from '../command.ts'
import { serve } from '../serve.ts'
import { DEFAULT_HTTPS_PORT } from '../target.ts'

const PORT = { min: 0, max: 65535 }
const DEFAULT_DATA_DIR = './security-data'
const CONNECTION_STRING = 'TWINWARD_ATTACH'

export const securityAttach: Command = {
  options: [
    {
      flags: '--attach <connection-string>',
      description:
        'run the security service for the hub of this connection string, whose policy needs ' +
        'RegistryRead, RegistryWrite and ServiceConnect',
      defaultText: CONNECTION_STRING,
    },
    {
      flags: '--ca <file>',
      description:
        'PEM file with the CA of that hub, when no well-known one signed its certificate',
    },
    {
      flags: '--amqp-port <n>',
      description: 'port for AMQP over TLS of that hub',
      defaultText: '5671',
      integer: { min: 1, max: 65535 },
    },
    {
      flags: '--consumer-group <name>',
      description: 'of its event endpoint, from which security messages are read',
      defaultText: `${SECURITY_CONSUMER_GROUP}, which every Twinward has`,
    },
    {
      flags: '--data-dir <dir>',
      description: 'folder of the stores, keys and certificates of this service',
      defaultText: DEFAULT_DATA_DIR,
    },
    {
      flags: '--hostname <name>',
      description: 'name under which clients reach this service',
      defaultText: 'localhost',
      isRepeatable: true,
    },
    {
      flags: '--listen <address>',
      description: 'address to listen on',
      defaultText: '127.0.0.1',
    },
    {
      flags: '--https-port <n>',
      description: 'port of the security API; 0 for any free one',
      defaultText: '443, or 8443 where this user may not bind that',
      integer: PORT,
    },
    { flags: '--tls-cert <file>', description: 'PEM file with the certificate of this service' },
    { flags: '--tls-key <file>', description: 'PEM file with its private key' },
  ],
  details:
    'Keeps a security module twin for every device of a hub elsewhere, another Twinward or Azure IoT\n' +
    'Hub, through its public service API and its event endpoint alone. Its own API and data are here.\n' +
    `A key on a command line is seen by everybody on the machine: ${CONNECTION_STRING}, or\n` +
    `${CONNECTION_STRING}_FILE with the name of a file that holds it, is the better place.`,
  examples: [
    ['security --attach "HostName=hub.example.net;…" --ca ca.pem', 'for another Twinward'],
    ['security --attach "HostName=…" --consumer-group twinward', 'for Azure IoT Hub'],
  ],

  async run(input, context) {
    const connectionString = connectionStringOf(input, context.environment)
    await serve(
      (fail) => start(input, context, { connectionString, fail }),
      (server) => announce(server, context),
      context,
    )
  },
}

async function start(
  input: Input,
  { environment }: Context,
  {
    connectionString,
    fail,
  }: { readonly connectionString: string; readonly fail: (error: Error) => void },
): Promise<RunningServer> {
  const { createLog, readConfig, startAttached } = await import('@twinward/server')
  const config = readConfig(settingsOf(input), environment)
  const caFile = input.text('ca')
  const amqpPort = input.integer('amqpPort')
  const attach = {
    connectionString,
    consumerGroup: input.text('consumerGroup') ?? SECURITY_CONSUMER_GROUP,
    ...(caFile !== undefined && { ca: readCa(caFile) }),
    ...(amqpPort !== undefined && { amqpPort }),
  }
  return startAttached(config, attach, createLog(config.settings.logLevel), fail)
}

function connectionStringOf(input: Input, environment: Context['environment']): string {
  const text = input.text('attach') ?? environment[CONNECTION_STRING]
  if (text) return text
  const file = environment[`${CONNECTION_STRING}_FILE`]
  if (file) return readOrSay(file).trim()
  throw new UsageError('security needs a command, or --attach with the connection string of a hub.')
}

function readCa(file: string): string {
  const text = readOrSay(file)
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw new CommandError(`${file} holds no certificate in PEM.`)
}

function readOrSay(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    throw new CommandError(`${file} cannot be read (${code ?? message}).`)
  }
}

function settingsOf(input: Input): { readonly [name: string]: unknown } {
  return {
    dataDir: input.text('dataDir') ?? DEFAULT_DATA_DIR,
    hostnames: input.isSet('hostname') ? input.list('hostname') : undefined,
    listen: input.text('listen'),
    httpsPort: input.integer('httpsPort'),
    tlsCert: input.text('tlsCert'),
    tlsKey: input.text('tlsKey'),
  }
}

function announce({ ready, remarks }: RunningServer, { out, program }: Context): void {
  for (const remark of remarks) out.note(remark)
  if (out.isJson) out.json(ready)
  else out.print(greeting(ready, program))
}

function greeting({ hostName, httpsPort, dataDir, attachedTo }: ReadyInfo, program: string) {
  const port = httpsPort === DEFAULT_HTTPS_PORT ? '' : `:${httpsPort}`
  return [
    `Twinward keeps the security of ${attachedTo}.`,
    '',
    `  API      https://${hostName}${port}`,
    `  Console  https://${hostName}${port}/`,
    `  Data     ${dataDir}`,
    '',
    'Next, in another terminal:',
    '',
    `  ${program} security status --data-dir ${quoted(dataDir)}`,
    '',
    'Stop with Ctrl+C.',
  ].join('\n')
}
