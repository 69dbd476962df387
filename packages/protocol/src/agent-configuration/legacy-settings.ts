import type { AgentKind, Era } from './eras.ts'
import { MAX_DURATION_MS, MIN_DURATION_MS, type Setting, type SettingType } from './setting.ts'

const BOTH: readonly AgentKind[] = ['c', 'csharp']
const ONLY_C: readonly AgentKind[] = ['c']
const ONLY_CSHARP: readonly AgentKind[] = ['csharp']
const SINCE_EARLY: readonly Era[] = ['early', 'legacy']
const ONLY_LEGACY: readonly Era[] = ['legacy']
const NOWHERE: readonly Era[] = []

const BOOLEAN = { type: 'boolean' } as const
const DURATION = { type: 'duration', minMs: MIN_DURATION_MS, maxMs: MAX_DURATION_MS } as const
const PRIORITY = { type: 'choice', choices: ['Off', 'Low', 'High'] } as const

const MAX_INT32 = 2_147_483_647

/**
 * Both legacy agents paste these two texts unquoted into a shell command that runs as root, so
 * whoever writes another pattern into a twin owns the device.
 */
export const CUSTOM_CHECKS_PATH = '^/[A-Za-z0-9._/-]{1,255}$'
export const CUSTOM_CHECKS_HASH = '^[0-9a-f]{64}$'

interface Rest {
  readonly unit?: string
  readonly agents?: readonly AgentKind[]
  readonly eras?: readonly Era[]
  readonly publishedIn?: readonly Era[]
  readonly privileged?: boolean
  readonly agentDefaults?: NonNullable<Setting['agentDefaults']>
}

function setting(
  name: string,
  type: SettingType,
  fallback: Setting['default'],
  { description, ...rest }: Rest & { readonly description: string },
): Setting {
  return {
    name,
    ...type,
    default: fallback,
    unit: '',
    agents: BOTH,
    eras: SINCE_EARLY,
    publishedIn: rest.eras ?? SINCE_EARLY,
    privileged: false,
    description,
    ...rest,
  }
}

function priority(event: string, fallback: string, rest: Rest = {}): Setting {
  const description = `Queue of ${event} events; Off does not collect them`
  return setting(`eventPriority${event}`, PRIORITY, fallback, { description, ...rest })
}

function aggregation(event: string, agents: readonly AgentKind[] = BOTH): readonly Setting[] {
  const rest = { agents, eras: ONLY_LEGACY }
  return [
    setting(`aggregationEnabled${event}`, BOOLEAN, true, {
      description: `Whether equal ${event} events become one with a hit count`,
      ...rest,
    }),
    setting(`aggregationInterval${event}`, DURATION, 'PT1H', {
      description: `Window in which equal ${event} events become one`,
      ...rest,
    }),
  ]
}

/** Every setting of the C and C# agents, in the order of the published default configuration. */
export const legacySettings: readonly Setting[] = [
  setting('highPriorityMessageFrequency', DURATION, 'PT7M', {
    description: 'Longest time a High event waits before it is sent',
  }),
  setting('lowPriorityMessageFrequency', DURATION, 'PT5H', {
    description: 'Longest time a Low event waits before it is sent',
  }),
  setting('snapshotFrequency', DURATION, 'PT13H', {
    description: 'Interval between snapshots of the device state',
  }),
  setting('maxLocalCacheSizeInBytes', { type: 'integer', min: 8192, max: MAX_INT32 }, 2_560_000, {
    description: 'Memory for events that wait to be sent',
    unit: 'bytes',
    agentDefaults: { c: 10_485_760 },
  }),
  setting('maxMessageSizeInBytes', { type: 'integer', min: 8192, max: 262_144 }, 204_800, {
    description: 'Largest message; multiples of 4096 use the quota best',
    unit: 'bytes',
  }),
  priority('ConnectedHardware', 'Low', { agents: ONLY_CSHARP }),
  priority('ListeningPorts', 'High'),
  priority('ProcessCreate', 'Low'),
  priority('ProcessTerminate', 'Low', { agents: ONLY_CSHARP }),
  priority('SystemInformation', 'Low'),
  priority('LocalUsers', 'High'),
  priority('Login', 'High'),
  priority('ConnectionCreate', 'Low'),
  priority('FirewallConfiguration', 'Low'),
  priority('OSBaseline', 'Low'),
  priority('Diagnostic', 'Low'),
  priority('ConfigurationError', 'Low', { agents: ONLY_CSHARP }),
  priority('DroppedEventsStatistics', 'Low', { agents: ONLY_CSHARP }),
  priority('MessageStatistics', 'Low', { agents: ONLY_CSHARP }),
  // The C agent's one switch for the three before; without it they have a queue of their own.
  priority('Operational', 'High', { agents: ONLY_C, publishedIn: NOWHERE }),
  ...aggregation('ProcessCreate'),
  ...aggregation('ConnectionCreate'),
  ...aggregation('ProcessTerminate', ONLY_CSHARP),
  setting('baselineCustomChecksEnabled', BOOLEAN, false, {
    description: 'Whether the custom baseline checks run; needs their path and hash too',
    eras: ONLY_LEGACY,
    publishedIn: NOWHERE,
    privileged: true,
  }),
  setting(
    'baselineCustomChecksFilePath',
    { type: 'text', pattern: CUSTOM_CHECKS_PATH, maxCharacters: 256 },
    null,
    {
      description: 'Absolute path on the device of the custom baseline checks',
      eras: ONLY_LEGACY,
      publishedIn: NOWHERE,
      privileged: true,
    },
  ),
  setting(
    'baselineCustomChecksFileHash',
    { type: 'text', pattern: CUSTOM_CHECKS_HASH, maxCharacters: 64 },
    null,
    {
      description: 'SHA-256 of that file; the agent refuses one that differs',
      eras: ONLY_LEGACY,
      publishedIn: NOWHERE,
      privileged: true,
    },
  ),
  setting('hubResourceId', { type: 'text', maxCharacters: 512 }, '', {
    description: "The hub's resource id, copied into every message",
    agents: ONLY_CSHARP,
    eras: ONLY_LEGACY,
    publishedIn: NOWHERE,
  }),
]
