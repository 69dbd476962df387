import { type Static, Type } from 'typebox'

/** 1 to 65535; 0 = any free port. */
function Port(value: number, description: string) {
  return Type.Integer({ minimum: 0, maximum: 65535, default: value, description })
}

/** A name that a twin may have: no dot, no dollar, no blank, no control character. */
function ConfigurationKey(description: string) {
  return Type.String({ pattern: '^[^.$\\s\\x00-\\x1f\\x7f]{1,256}$', description })
}

/**
 * Every setting: its type, default and meaning. `docs/operate/configuration.md` is made from this.
 * Name in the environment: `TWINWARD_` + upper snake case (`mqttPort` = `TWINWARD_MQTT_PORT`); in a
 * file: the name itself; as a flag of `twinward up`: kebab case where the list below says so.
 */
export const Settings = Type.Object(
  {
    dataDir: Type.String({
      default: './data',
      minLength: 1,
      description: 'Folder of the stores, keys and certificates. Flag `--data-dir`.',
    }),
    exchangeDir: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'Folder where import and export jobs read and write files; `exchange` in the data ' +
          'directory unless it is another.',
      }),
    ),
    hostnames: Type.Array(Type.String({ pattern: '^[A-Za-z0-9.-]{1,253}$' }), {
      default: ['localhost'],
      minItems: 1,
      maxItems: 32,
      description:
        'Names under which clients reach this server, the first one goes into connection strings. ' +
        'Flag `--hostname`, repeatable; in the environment separated by commas.',
    }),
    listen: Type.String({
      default: '127.0.0.1',
      minLength: 1,
      description: 'Address to listen on; `0.0.0.0` or `::` for all. Flag `--listen`.',
    }),
    mqttPort: Port(8883, 'Port for MQTT over TLS. Flag `--mqtt-port`.'),
    amqpPort: Port(5671, 'Port for AMQP over TLS. Flag `--amqp-port`.'),
    httpsPort: Port(
      443,
      'Port for HTTPS. When the default may not be bound, 8443 is taken. Flag `--https-port`.',
    ),
    tlsCert: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'PEM file with the server certificate and its chain, in place of one by the private CA. ' +
          'Flag `--tls-cert`, together with `--tls-key`.',
      }),
    ),
    tlsKey: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'PEM file with its private key. Flag `--tls-key`.',
      }),
    ),
    logLevel: Type.Union(
      [Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')],
      { default: 'info', description: 'How much goes to the log (standard error).' },
    ),
    securityModuleId: Type.String({
      default: 'azureiotsecurity',
      pattern: "^[A-Za-z0-9\\-:.+%_#*?!(),=@;']{1,128}$",
      description:
        'Module id of the security module that every new device gets. The id decides the era of ' +
        'its configuration: `azureiotsecurity` or `DefenderIotMicroAgent`.',
    }),
    legacyConfigurationKey: Type.Optional(
      ConfigurationKey(
        'Where agents of 2019 and 2020 look for their configuration in desired, if a fleet chose ' +
          'another key than `ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration`.',
      ),
    ),
    earlyConfigurationKey: Type.Optional(
      ConfigurationKey(
        'The same for agents 0.0.3, whose key is `azureiot*com^securityAgentConfiguration^1*0*0`.',
      ),
    ),
    securityModulePolicy: Type.Union(
      [Type.Literal('automatic'), Type.Literal('onEnrollment'), Type.Literal('manual')],
      {
        default: 'automatic',
        description:
          'Which devices get a security module by themselves: `automatic` all, when they are ' +
          'created; `onEnrollment` those that register through the provisioning service; `manual` ' +
          'none. Whoever asks gets one by any policy. Missing ones are repaired, by `onEnrollment` ' +
          'where there was one, by `manual` never.',
      },
    ),
    silentAfterHours: Type.Integer({
      default: 72,
      minimum: 1,
      maximum: 8760,
      description: 'An agent that sent nothing for so long counts as silent.',
    }),
    agentGraceMinutes: Type.Integer({
      default: 60,
      minimum: 0,
      maximum: 525_600,
      description:
        'So long a device may be without a security agent before IoT_InstallAgent recommends one.',
    }),
    acceptDeviceSecurityMessages: Type.Boolean({
      default: false,
      description:
        'Whether security messages that a device sends under its own identity count too, as those ' +
        'of custom agents did. Off, only security modules are heard.',
    }),
    securityService: Type.Union([Type.Literal('embedded'), Type.Literal('none')], {
      default: 'embedded',
      description:
        'Where the security service of this hub runs: `embedded` = in this process; `none` = ' +
        'elsewhere, by `twinward security --attach`. Then security messages are kept for its ' +
        'readers like events, and the security API is there.',
    }),
    deviceReadsModuleKey: Type.Boolean({
      default: true,
      description:
        'Whether a device may read the key of its own security module with its own key or ' +
        'certificate, which agents of the legacy era in device mode need when they start. Each read ' +
        'is logged. Off, agents need the connection string of the module itself.',
    }),
    securityModuleAccess: Type.Union([Type.Literal('restricted'), Type.Literal('full')], {
      default: 'restricted',
      description:
        'What a security module may do: `restricted` = send security messages, read its own desired ' +
        'properties and write its own reported ones; `full` = also telemetry, cloud-to-device ' +
        'messages and direct methods, as any module.',
    }),
    maxConnections: Type.Integer({
      default: 100_000,
      minimum: 1,
      maximum: 1_000_000,
      description:
        'Most MQTT connections, and most AMQP connections, at a time; further ones are refused.',
    }),
    twinCacheMib: Type.Integer({
      default: 128,
      minimum: 1,
      maximum: 65_536,
      description: 'Memory for twins that are kept parsed, in MiB of their JSON text.',
    }),
    cloudMessageTtlMinutes: Type.Integer({
      default: 60,
      minimum: 1,
      maximum: 2880,
      description:
        'How long a cloud-to-device message waits at most; a message may name an earlier time.',
    }),
    telemetryRetentionHours: Type.Integer({
      default: 24,
      minimum: 1,
      maximum: 168,
      description: 'How long events wait for their readers.',
    }),
    telemetryMaxMib: Type.Integer({
      default: 1024,
      minimum: 1,
      maximum: 1_048_576,
      description:
        'Most room that events may take, in MiB; beyond it the oldest go before their time, which is ' +
        'logged and counted.',
    }),
    securityBacklogMaxMib: Type.Integer({
      default: 1024,
      minimum: 1,
      maximum: 1_048_576,
      description:
        'Most room that security messages may take before they are evaluated, in MiB; beyond it new ' +
        'ones are refused until there is room, and agents send them again.',
    }),
    deviceDailySecurityMib: Type.Integer({
      default: 50,
      minimum: 1,
      maximum: 1_048_576,
      description:
        'Most security messages of one device in a day, UTC, in MiB. What comes beyond is not ' +
        'kept, but counted and listed with the refused messages.',
    }),
    deviceHourlySecurityRows: Type.Integer({
      default: 200_000,
      minimum: 100,
      maximum: 100_000_000,
      description:
        'Most payload elements of security events that are kept of one device in an hour; beyond, ' +
        'as above.',
    }),
    webhookUrl: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s@]+$',
        maxLength: 2048,
        description:
          'Address that is told of every new and changed finding, by an HTTP POST; more is set by ' +
          '`twinward security notify`.',
      }),
    ),
    webhookSecret: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        description: 'Key of the signature in `X-Twinward-Signature`; without one there is none.',
      }),
    ),
    webhookCa: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'PEM file with the certificates to trust for `webhookUrl`, in place of the well-known ones.',
      }),
    ),
    eventRetentionDays: Type.Integer({
      default: 30,
      minimum: 1,
      maximum: 3650,
      description: 'How long raw security events are kept.',
    }),
    alertRetentionDays: Type.Integer({
      default: 365,
      minimum: 1,
      maximum: 3650,
      description:
        'How long alerts that are Resolved or Dismissed are kept after they ended; open ones stay.',
    }),
  },
  { additionalProperties: false },
)

export type Settings = Static<typeof Settings>

/** `mqttPort` → `TWINWARD_MQTT_PORT`. */
export function environmentName(setting: string): string {
  return `TWINWARD_${setting.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()}`
}
