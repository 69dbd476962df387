import type { ReadyInfo, RunningServer } from '@twinward/server'
import { type Command, type Context, type Input, quoted } from '../command.ts'
import { serve } from '../serve.ts'
import { DEFAULT_DATA_DIR, DEFAULT_HTTPS_PORT } from '../target.ts'

const PORT = { min: 0, max: 65535 }
export const up: Command = {
  options: [
    {
      flags: '--data-dir <dir>',
      description: 'folder of the stores, keys and certificates; made when missing',
      defaultText: './data',
    },
    {
      flags: '--hostname <name>',
      description:
        'name under which clients reach this server; the first goes into connection strings',
      defaultText: 'localhost',
      isRepeatable: true,
    },
    {
      flags: '--listen <address>',
      description: 'address to listen on; 0.0.0.0 or :: for all',
      defaultText: '127.0.0.1',
    },
    {
      flags: '--mqtt-port <n>',
      description: 'port for MQTT over TLS; 0 for any free one',
      defaultText: '8883',
      integer: PORT,
    },
    {
      flags: '--amqp-port <n>',
      description: 'port for AMQP over TLS',
      defaultText: '5671',
      integer: PORT,
    },
    {
      flags: '--https-port <n>',
      description: 'port for HTTPS; 0 for any free one',
      defaultText: '443, or 8443 where this user may not bind that',
      integer: PORT,
    },
    {
      flags: '--tls-cert <file>',
      description:
        'PEM file with the server certificate and its chain, instead of one by the private CA',
    },
    { flags: '--tls-key <file>', description: 'PEM file with its private key' },
  ],
  details:
    'The first start makes a private CA, a server certificate and the shared access policies.\n' +
    'Settings also come from TWINWARD_* variables. Ctrl+C stops cleanly, a second one at once.\n' +
    'With --json the first line on standard output, when everything listens, is the ready event.',
  examples: [
    ['up', 'run on this machine with the data in ./data'],
    ['up --hostname hub.example.net --listen 0.0.0.0', 'serve a network'],
    ['up --data-dir "$(mktemp -d)" --mqtt-port 0 --https-port 0 --json', 'for a test'],
  ],

  run: (input, context) =>
    serve(
      (fail) => start(input, context, fail),
      (server) => announce(server, context),
      context,
    ),
}

async function start(
  input: Input,
  { environment }: Context,
  fail: (error: Error) => void,
): Promise<RunningServer> {
  // Loaded here, so that `up --help` does not wait for a whole server.
  const { createLog, readConfig, startServer } = await import('@twinward/server')
  const config = readConfig(settingsOf(input), environment)
  return startServer(config, createLog(config.settings.logLevel), fail)
}

function settingsOf(input: Input): { readonly [name: string]: unknown } {
  return {
    dataDir: input.text('dataDir'),
    hostnames: input.isSet('hostname') ? input.list('hostname') : undefined,
    listen: input.text('listen'),
    mqttPort: input.integer('mqttPort'),
    amqpPort: input.integer('amqpPort'),
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

function greeting(ready: ReadyInfo, program: string): string {
  const { mqttPort, amqpPort, httpsPort, caFile, dataDir } = ready
  const host = hostForPeople(ready)
  const port = httpsPort === DEFAULT_HTTPS_PORT ? '' : `:${httpsPort}`
  const flag = isDefaultDataDir(dataDir) ? '' : ` --data-dir ${quoted(dataDir)}`
  return [
    'Twinward is ready.',
    '',
    `  MQTT     ${host}:${mqttPort}`,
    `  HTTPS    https://${host}${port}`,
    `  Console  https://${host}${port}/`,
    `  AMQP     ${host}:${amqpPort}`,
    `  CA file  ${caFile}  (clients need to trust it)`,
    `  Data     ${dataDir}`,
    '',
    'Next, in another terminal:',
    '',
    `  ${program} device create my-device${flag}`,
    `  ${program} connection-string --device my-device${flag}`,
    '',
    'Stop with Ctrl+C.',
  ].join('\n')
}

/** `localhost` leads to 127.0.0.1 only; a server on another loopback address is named by that. */
function hostForPeople({ hostName, listen }: ReadyInfo): string {
  const isElsewhere = !['0.0.0.0', '::', '::1', '127.0.0.1', 'localhost'].includes(listen)
  if (hostName !== 'localhost' || !isElsewhere) return hostName
  return listen.includes(':') ? `[${listen}]` : listen
}

function isDefaultDataDir(dataDir: string): boolean {
  return dataDir === `${process.cwd()}/${DEFAULT_DATA_DIR.slice(2)}`
}
