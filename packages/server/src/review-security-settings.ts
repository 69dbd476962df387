import type { DesiredReview, Log } from '@twinward/hub'
import {
  type ConfigurationKeys,
  completePatch,
  type DeviceRef,
  dangerousValues,
  HubError,
  isSecurityModuleId,
  ownKeys,
  privilegedChanges,
} from '@twinward/protocol'
import type { Settings } from './config/settings.ts'

/** Where this hub's agents look for their configuration. */
export function configurationKeys({
  legacyConfigurationKey,
  earlyConfigurationKey,
}: Settings): ConfigurationKeys {
  return {
    ...(legacyConfigurationKey !== undefined && { legacy: legacyConfigurationKey }),
    ...(earlyConfigurationKey !== undefined && { early: earlyConfigurationKey }),
  }
}

/**
 * What every write to a security module's desired properties is held to, whatever its route
 * (security 02 §2, 01 §10): no writer may make a legacy agent paste commands into a shell; the settings
 * that make it run a file as root need `RegistryWrite`, and each change of them stands in the log; and
 * the agent is told its whole configuration object, as it takes the payload for all there is.
 */
export function reviewSecuritySettings(settings: Settings, log: Log): DesiredReview {
  const keys = ownKeys(configurationKeys(settings))
  const isSecurityModule = ({ moduleId }: DeviceRef) =>
    moduleId !== undefined && isSecurityModuleId(moduleId, settings.securityModuleId)
  return {
    check(ref, { written, before, after, author }) {
      if (!isSecurityModule(ref)) return []
      const [danger] = dangerousValues(written, keys)
      if (danger) throw new HubError('ArgumentInvalid', `${danger.name}: ${danger.reason}.`)
      const changed = privilegedChanges(before, after, keys)
      if (changed.length > 0 && !author?.rights.includes('RegistryWrite')) {
        throw new HubError(
          'GenericForbidden',
          `${changed.join(', ')}: changing what lets an agent run code needs RegistryWrite.`,
        )
      }
      return changed
    },
    accepted(ref, names, author) {
      const fields = { ...ref, by: author?.name ?? 'unknown', names }
      log.info(fields, 'privileged security settings written')
    },
    told: (ref, patch, after) =>
      isSecurityModule(ref) ? completePatch(patch, after, keys) : patch,
  }
}
