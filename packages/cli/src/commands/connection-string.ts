import { formatConnectionString } from '@twinward/protocol'
import { type Command, type Context, type Input, targetChoice, UsageError } from '../command.ts'
import { type PolicyKey, type ReadyInfo, readPolicy, readReady } from '../data-dir.ts'
import { hostNameWithPort } from '../host-name.ts'
import { deviceConnectionString, getIdentity, readRef } from '../identity.ts'
import { DEFAULT_AMQP_PORT, DEFAULT_HTTPS_PORT, dataDirOf } from '../target.ts'

const DEFAULT_POLICY = 'iothubowner'
/** Enough to read events, and no more. */
const DEFAULT_EVENTS_POLICY = 'service'

export const connectionString: Command = {
  options: [
    {
      flags: '--policy <name>',
      description: 'of this shared access policy',
      defaultText: `${DEFAULT_POLICY}; with --events ${DEFAULT_EVENTS_POLICY}`,
    },
    { flags: '--events', description: 'for Event Hubs clients, which read events' },
    { flags: '--device <id>', description: 'of this device' },
    { flags: '--module <id>', description: 'of this module of the device' },
  ],
  talksTo: 'server',
  details:
    'A policy is read from the data directory, also when no server runs; devices and modules are\n' +
    'asked for over the API. The string holds a key: treat it like a password.',
  examples: [
    ['connection-string', 'for service SDKs and tools'],
    ['connection-string --events', 'for Event Hubs SDKs'],
    ['connection-string --device pump-1', 'for the device pump-1'],
    ['connection-string --device pump-1 --module azureiotsecurity', 'for its security agent'],
  ],

  async run(input, context) {
    const device = input.text('device')
    const module = input.text('module')
    if (module !== undefined && device === undefined)
      throw new UsageError('--module needs --device.')
    if (device !== undefined && input.isSet('policy')) {
      throw new UsageError('Give either --policy or --device, not both.')
    }
    if (device !== undefined && input.isSet('events')) {
      throw new UsageError('Give either --events or --device, not both.')
    }
    const text =
      device === undefined
        ? policyString(input, context)
        : await identityString(input, context, readRef(device, module))
    if (context.out.isJson) context.out.json({ connectionString: text })
    else context.out.print(text)
  },
}

async function identityString(
  input: Input,
  context: Context,
  ref: ReturnType<typeof readRef>,
): Promise<string> {
  const target = context.target(targetChoice(input))
  return deviceConnectionString(await getIdentity(context.connect(target), ref), target)
}

function policyString(input: Input, { environment, out }: Context): string {
  if (input.isSet('url') || input.isSet('login')) {
    throw new UsageError('A policy is read from --data-dir, on the machine of the server only.')
  }
  const dataDir = dataDirOf(targetChoice(input), environment)
  const isEvents = input.isSet('events')
  const defaultPolicy = isEvents ? DEFAULT_EVENTS_POLICY : DEFAULT_POLICY
  const policy = readPolicy(dataDir, input.text('policy') ?? defaultPolicy)
  const ready = readReady(dataDir)
  if (!ready) {
    const port = isEvents ? DEFAULT_AMQP_PORT : DEFAULT_HTTPS_PORT
    out.note(
      `No server runs on ${dataDir}: localhost and port ${port} are assumed. ` +
        'Ask again while it runs to be sure.',
    )
  }
  if (isEvents) return eventsString(policy, ready)
  const { hostName = 'localhost', httpsPort = DEFAULT_HTTPS_PORT } = ready ?? {}
  return formatConnectionString({
    hostName: hostNameWithPort(hostName, httpsPort, DEFAULT_HTTPS_PORT),
    sharedAccessKeyName: policy.name,
    sharedAccessKey: policy.primaryKey,
  })
}

/** Event Hubs clients take the port from here; over WebSocket they need the HTTPS port in its place. */
function eventsString({ name, primaryKey }: PolicyKey, ready: ReadyInfo | undefined): string {
  const { hostName = 'localhost', amqpPort = DEFAULT_AMQP_PORT } = ready ?? {}
  return (
    `Endpoint=sb://${hostNameWithPort(hostName, amqpPort, DEFAULT_AMQP_PORT)}/;` +
    `SharedAccessKeyName=${name};SharedAccessKey=${primaryKey};EntityPath=messages/events`
  )
}
