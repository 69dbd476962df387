import { type ConfigurationKeys, configurationKey, type Era } from '@twinward/protocol'
import type { PlatformModule } from '../platform.ts'

/** The id of the automatic configuration that sets it, by the name of a setting. */
export type ConfiguredSettings = ReadonlyMap<string, string>

/**
 * Which settings of a module automatic configurations set, as far as the platform tells. Pure.
 *
 *     {'ms_iotn:….snapshotFrequency.value': 'strict'}   snapshotFrequency → strict
 */
export function configuredSettings(
  { configured = {} }: Pick<PlatformModule, 'configured'>,
  era: Era,
  keys: ConfigurationKeys = {},
): ConfiguredSettings {
  const key = configurationKey(era, keys)
  const settings = new Map<string, string>()
  for (const [path, id] of Object.entries(configured)) {
    const [first, second] = path.split('.')
    const name = key === undefined ? first : second
    if (name !== undefined && (key === undefined || first === key)) settings.set(name, id)
  }
  return settings
}
