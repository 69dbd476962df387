import { join } from 'node:path'
import { type Companions, type DesiredReview, type Log, systemClock } from '@twinward/hub'
import { dangerousValues, HubError, isSecurityModuleId } from '@twinward/protocol'
import {
  DuckDbEventStore,
  SecurityService,
  SqliteFindingStore,
  securityModuleSeed,
  type TwinPlatform,
} from '@twinward/security'
import type { Settings } from './config/settings.ts'
import { StartError } from './start-error.ts'
import { storeFailure } from './store-failure.ts'

/** Every new device gets its security module, with its era's default configuration. */
export function securityCompanions({ securityModuleId }: Settings): Companions {
  const seed = securityModuleSeed(securityModuleId)
  return () => [seed]
}

/** No writer of twins may make a legacy agent paste commands into a shell (security 02 §2). */
export function reviewSecuritySettings({ securityModuleId }: Settings): DesiredReview {
  return ({ moduleId }, desired) => {
    if (moduleId === undefined || !isSecurityModuleId(moduleId, securityModuleId)) return
    const [danger] = dangerousValues(desired)
    if (danger) throw new HubError('ArgumentInvalid', `${danger.name}: ${danger.reason}.`)
  }
}

/**
 * Opens the security service on its stores in the data directory.
 *
 * @throws {StartError} when a file is in use, damaged or written by a newer version
 */
export async function openSecurity({
  dataDir,
  settings,
  platform,
  log,
  onFailure,
}: {
  readonly dataDir: string
  readonly settings: Settings
  readonly platform: TwinPlatform
  readonly log: Log
  readonly onFailure: (error: StartError) => void
}): Promise<SecurityService> {
  try {
    const [events, findings] = await Promise.all([
      DuckDbEventStore.open(join(dataDir, 'security-events.duckdb')),
      SqliteFindingStore.open({
        file: join(dataDir, 'security.db'),
        onFailure: (error) => onFailure(storeFailure(dataDir, error)),
      }),
    ])
    const options = {
      securityModuleId: settings.securityModuleId,
      acceptFromDevices: settings.acceptDeviceSecurityMessages,
      eventRetentionDays: settings.eventRetentionDays,
    }
    return new SecurityService({ platform, events, findings, clock: systemClock, log }, options)
  } catch (error) {
    throw error instanceof StartError ? error : storeFailure(dataDir, error)
  }
}
