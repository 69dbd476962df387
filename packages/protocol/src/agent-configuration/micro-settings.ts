import type { AgentKind, Era } from './eras.ts'
import type { Setting, SettingType } from './setting.ts'

const MICRO: readonly AgentKind[] = ['micro']
const ERAS: readonly Era[] = ['micro']

const BOOLEAN = { type: 'boolean' } as const
const POSITIVE = { type: 'integer', min: 1, max: 2_147_483_647 } as const
const FREQUENCY = { type: 'choice', choices: ['Low', 'Medium', 'High'] } as const
const TEXT = { type: 'text', maxCharacters: 256 } as const
/** A twin holds strings of up to 4 KiB. */
const LIST = { type: 'list', maxCharacters: 4096 } as const

interface About {
  readonly unit?: string
  readonly description: string
}

function setting(
  name: string,
  type: SettingType,
  fallback: Setting['default'],
  { unit = '', description }: About,
): Setting {
  return {
    name,
    ...type,
    default: fallback,
    unit,
    eras: ERAS,
    agents: MICRO,
    publishedIn: ERAS,
    privileged: false,
    description,
  }
}

/** What every collector has: a switch and the class it sends in. */
function collector(name: string, frequency: 'Low' | 'Medium' | 'High'): readonly Setting[] {
  return [
    setting(`${name}_Disabled`, BOOLEAN, false, {
      description: `Whether the ${name} collector is switched off`,
    }),
    setting(`${name}_MessageFrequency`, FREQUENCY, frequency, {
      description: `How urgent ${name} events are sent`,
    }),
  ]
}

function cache(name: string): Setting {
  return setting(`${name}_CacheSize`, POSITIVE, 256, {
    unit: 'events',
    description: `${name} events kept until they are sent; then the oldest goes`,
  })
}

function override(name: string, what: string): Setting {
  return setting(`SystemInformation_${name}`, TEXT, null, {
    description: `${what}, instead of what the firmware says`,
  })
}

/** Every setting of the Linux micro agent. */
export const microSettings: readonly Setting[] = [
  setting('CollectorsCore_PriorityIntervals', { type: 'intervals' }, '30,120,1440', {
    unit: 'minutes',
    description: 'Send intervals of the classes High, Medium and Low',
  }),
  ...collector('Baseline', 'Low'),
  setting('Baseline_GroupsDisabled', LIST, null, {
    description: 'Names of groups of checks that do not run',
  }),
  setting('Baseline_ChecksDisabled', LIST, null, {
    description: 'CIS numbers of checks that do not run',
  }),
  ...collector('SystemInformation', 'Low'),
  override('HardwareVendor', 'Vendor of the hardware'),
  override('HardwareModel', 'Model of the hardware'),
  override('HardwareSerialNumber', 'Serial number of the hardware'),
  override('FirmwareVendor', 'Vendor of the firmware'),
  override('FirmwareVersion', 'Version of the firmware'),
  ...collector('SBoM', 'Low'),
  ...collector('Heartbeat', 'Low'),
  ...collector('Login', 'Medium'),
  setting('Login_UsePAM', BOOLEAN, false, {
    description: 'Whether logins are read from PAM instead of UTMP and syslog',
  }),
  setting('IothubModule_MessageTimeout', POSITIVE, 2880, {
    unit: 'minutes',
    description: 'How long unsent messages are kept before they are dropped',
  }),
  ...collector('NetworkActivity', 'Medium'),
  setting('NetworkActivity_Devices', LIST, 'eth0', {
    description: 'Network interfaces to observe; no others are',
  }),
  cache('NetworkActivity'),
  setting('NetworkActivity_PacketBufferSize', POSITIVE, 2_097_152, {
    unit: 'bytes',
    description: 'Packet buffer per interface and direction',
  }),
  ...collector('Process', 'Medium'),
  setting('Process_PollingInterval', POSITIVE, 100_000, {
    unit: 'microseconds',
    description: 'Interval of the polling mode',
  }),
  setting('Process_Mode', { type: 'integer', min: 1, max: 3 }, 1, {
    description: '1 automatic, 2 netlink, 3 polling',
  }),
  cache('Process'),
  ...collector('LogCollector', 'Low'),
  ...collector('FileSystem', 'Low'),
  setting('FileSystem_Recursive', BOOLEAN, true, {
    description: 'Whether directories below the watched ones are watched too',
  }),
  setting('FileSystem_Paths', LIST, null, { description: 'Paths to watch' }),
  cache('FileSystem'),
  ...collector('Peripheral', 'Low'),
  cache('Peripheral'),
  ...collector('Statistics', 'Low'),
  cache('Statistics'),
]
