import { join } from 'node:path'
import { type Companions, type Log, systemClock } from '@twinward/hub'
import { isSecurityModuleId } from '@twinward/protocol'
import {
  DuckDbEventStore,
  isGivenAtBirth,
  openSecurityDatabase,
  SecurityService,
  SqliteConfigurationStore,
  SqliteCredentialStore,
  SqliteCustomCheckStore,
  SqliteEventSchemaStore,
  SqliteFindingStore,
  SqliteGroupStore,
  SqliteIndicatorStore,
  SqliteIngestionStore,
  SqliteModuleStore,
  SqliteNotificationStore,
  SqlitePostureHistoryStore,
  SqliteRuleSettingStore,
  SqliteSigmaStore,
  SqliteSuppressionStore,
  SqliteTypeSwitchStore,
  SqliteVulnerabilityStore,
  securityModuleSeed,
  type TwinPlatform,
  transportsOf,
} from '@twinward/security'
import type { Settings } from './config/settings.ts'
import { defaultWebhook } from './default-webhook.ts'
import { configurationKeys } from './review-security-settings.ts'
import { StartError } from './start-error.ts'
import { storeFailure } from './store-failure.ts'
import { version } from './version.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/**
 * The security module that a new device gets by the policy, with its era's default configuration; none
 * beside one of another era that it is created with.
 */
export function securityCompanions(settings: Settings): Companions {
  const { securityModuleId, securityModulePolicy: policy } = settings
  const seed = securityModuleSeed(securityModuleId, { keys: configurationKeys(settings) })
  return ({ isEnrolled, moduleIds }) => {
    const hasOne = moduleIds.some((id) => isSecurityModuleId(id, securityModuleId))
    return hasOne || !isGivenAtBirth(policy, isEnrolled) ? [] : [seed]
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
    const [events, database] = await Promise.all([
      DuckDbEventStore.open(join(dataDir, 'security-events.duckdb')),
      openSecurityDatabase({
        file: join(dataDir, 'security.db'),
        onFailure: (error) => onFailure(storeFailure(dataDir, error)),
      }),
    ])
    const findings = SqliteFindingStore.on(database)
    const modules = SqliteModuleStore.on(database)
    const configurations = SqliteConfigurationStore.on(database)
    const options = {
      securityModuleId: settings.securityModuleId,
      acceptFromDevices: settings.acceptDeviceSecurityMessages,
      eventRetentionDays: settings.eventRetentionDays,
      alertRetentionDays: settings.alertRetentionDays,
      keys: configurationKeys(settings),
      policy: settings.securityModulePolicy,
      silentAfterMs: settings.silentAfterHours * HOUR_MS,
      ...defaultWebhook(settings),
      agentGraceMs: settings.agentGraceMinutes * MINUTE_MS,
      intakeLimits: {
        dailyBytes: settings.deviceDailySecurityMib * 1024 * 1024,
        hourlyRows: settings.deviceHourlySecurityRows,
      },
    }
    const ingestion = SqliteIngestionStore.on(database)
    const eventSchemas = SqliteEventSchemaStore.on(database)
    const notifications = SqliteNotificationStore.on(database)
    const indicators = SqliteIndicatorStore.on(database)
    const ruleSettings = SqliteRuleSettingStore.on(database)
    const suppressions = SqliteSuppressionStore.on(database)
    const stores = {
      ...{ events, findings, modules, configurations, ingestion, eventSchemas },
      ...{ notifications, openTransport: transportsOf(version) },
      ...{ sigma: SqliteSigmaStore.on(database) },
      ...{ indicators, ruleSettings, suppressions, groups: SqliteGroupStore.on(database) },
    }
    const advice = {
      typeSwitches: SqliteTypeSwitchStore.on(database),
      credentials: SqliteCredentialStore.on(database),
      vulnerabilities: SqliteVulnerabilityStore.on(database),
      postureHistory: SqlitePostureHistoryStore.on(database),
      customChecks: SqliteCustomCheckStore.on(database),
    }
    return new SecurityService({ platform, ...advice, ...stores, clock: systemClock, log }, options)
  } catch (error) {
    throw error instanceof StartError ? error : storeFailure(dataDir, error)
  }
}
